"""What survives: the disk door, the transaction log, snapshots, recovery and retention."""
