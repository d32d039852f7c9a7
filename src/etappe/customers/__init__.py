"""Who a customer is to us: fixed-width records, the packed base, and the fold that makes state of them."""
