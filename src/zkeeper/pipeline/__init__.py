"""The road of a request: decode, prepare, log, apply, reply; reads answered on the spot. Pure: no I/O, no clock."""
