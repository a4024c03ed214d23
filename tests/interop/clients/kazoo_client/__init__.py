"""Checks that drive a server with kazoo."""
