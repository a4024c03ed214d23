"""A member of an ensemble: elections, leading, following, observing, over the loop's sockets."""
