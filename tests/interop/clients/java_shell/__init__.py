"""Checks that drive a server with ZooKeeper's own shell."""
