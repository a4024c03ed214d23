"""Ensembles as processes, with relays between the members: killed, paused and cut off from each other, and judged."""
