"""The client: a session with ZooKeeper servers over asyncio, and the operations on it. `zkeeper` exports its names.

It imports `wire`, `values` and `errors` only, and reaches the world through the running loop.
"""
