"""Public test support: the simulator and, in time, server fixtures and history checkers."""
