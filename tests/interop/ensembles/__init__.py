"""Ensembles of servers of both kinds, as processes, and what they have to do together."""
