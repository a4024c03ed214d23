"""What goes wrong in recipes, beside the errors of ZooKeeper itself."""


class RecipeError(Exception):
    """The base of all errors that recipes raise by themselves."""


class LockTimeoutError(RecipeError, TimeoutError):
    """The turn did not come in time. Nothing is held, and the place in the queue is being given up."""


class LockLostError(RecipeError):
    """What was held was lost while the guarded block ran: its session ended, or its znode was deleted.

    Another one may hold it by now. What the block has done is done; nothing is taken back.
    """


class NotHeldError(RecipeError):
    """The caller released what it does not hold."""
