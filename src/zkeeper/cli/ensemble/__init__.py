"""`zkeeper ensemble`: an ensemble on this machine, for development, with its state shown live."""
