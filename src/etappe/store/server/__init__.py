"""The Redis that is spoken to, embedded or named: connections, how full it is, and what its errors mean."""
