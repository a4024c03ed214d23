"""Bytes to records and back: jute, the client protocol and transactions. Pure: no I/O, no clock."""
