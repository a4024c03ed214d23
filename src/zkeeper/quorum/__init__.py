"""What the members of an ensemble agree on, as values and pure machines. Pure: no I/O, no clock."""
