"""Whole ensembles in the simulator: servers, clients and faults from a seed, and a judgement at the end."""
