"""What a simulation raises. Every `SimulationError` names the seed that replays it."""


class Killed(BaseException):
    """The machine died inside this call. It is no `Exception`, so that code under test cannot survive its own death."""


class SimulationError(Exception):
    """The run went wrong; the message names the seed and the virtual time."""


class Deadlock(SimulationError):
    """Nothing is scheduled any more, so what is waited for can never happen."""


class RunTimeout(SimulationError):
    """What was waited for did not happen within the given virtual time."""


class UnhandledError(SimulationError):
    """Code under test let an exception escape; that one is the `__cause__`."""
