"""What a judge raises."""


class Violation(AssertionError):
    """The client broke a promise."""
