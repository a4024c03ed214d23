"""What one server knows: the tree of znodes, ACLs, sessions, watches, quotas, digest. Pure: no I/O, no clock."""
