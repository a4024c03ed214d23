"""The decisions of an ensemble as values and state machines: votes, quorums, elections. Pure: no I/O, no clock."""
