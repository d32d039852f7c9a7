"""The formats that files come in: each says which columns mean what, and makes events of rows."""
