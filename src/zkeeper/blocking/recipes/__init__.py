"""The recipes of `zkeeper.recipes` for threads, with the same words: each is thin, and runs on the loop.

`zkeeper.blocking` exports them. What they promise is said there and in docs/recipes.md; here are the differences.

1. Who holds is a thread, where it is a task on the loop.
2. A thread cannot be cancelled. A guarded block that has lost what it holds goes on, and ends with `LockLostError`.
"""
