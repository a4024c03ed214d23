"""The whole production server on simulated machines: crash runs from seeds, and scenarios on virtual time."""
