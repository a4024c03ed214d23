"""zkeeper's server beside programs that nobody here wrote."""
