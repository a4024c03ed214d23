"""Recipes in the simulator: the real server and the real client on virtual time, with everything that can go wrong."""
