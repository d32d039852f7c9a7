"""Who may ask and from where: keys, visitors' tokens, origins."""
