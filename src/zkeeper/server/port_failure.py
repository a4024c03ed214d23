"""Sentences for a client port that cannot be opened: where, why, and what to do."""

import errno
import os
import socket
from typing import Final

from zkeeper.server.config.model import NetworkConfig

_ADVICE: Final = {
    errno.EADDRINUSE: "another program listens there: stop it, or choose another clientPort",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address: correct clientPortAddress, or remove it",
    errno.EACCES: "this user may not: choose a clientPort above 1023, or give the server the right to open this one",
    errno.EAFNOSUPPORT: "this machine does not speak that kind of address: correct clientPortAddress",
    errno.EMFILE: "the process has no descriptor left: raise its limit (ulimit -n)",
}
_NO_SUCH_NAME: Final = "correct clientPortAddress, or see to it that the name resolves"
_OTHER_ADVICE: Final = "correct clientPort and clientPortAddress"


class PortError(OSError):
    """The client port cannot be opened. `exit_code` is that of a process that cannot serve for it."""

    exit_code = 1


def port_failure(network: NetworkConfig, error: OSError) -> PortError:
    """What to tell of `error`, met while opening the client port."""
    where = f"port {network.client_port} on {network.listening_host or 'all interfaces'}"
    if isinstance(error, socket.gaierror):
        reason, advice = str(error.strerror), _NO_SUCH_NAME
    else:
        number = error.errno or 0
        reason = f"{errno.errorcode[number]}: {os.strerror(number)}" if number in errno.errorcode else str(error)
        advice = _ADVICE.get(number, _OTHER_ADVICE)
    return PortError(f"the client port cannot be opened: {where} ({reason}); {advice}")
