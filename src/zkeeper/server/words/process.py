"""A door: what the operating system tells about this process. Only a real server goes through it."""

import contextlib
import getpass
import os
import resource
import sys
from collections.abc import Mapping
from typing import Final

from zkeeper import __version__
from zkeeper.server.words.facts import ProcessFacts

OPEN_FILES_FOLDER: Final = "/dev/fd"
UNKNOWN: Final = "unknown"
UNLIMITED: Final = (1 << 63) - 1


def this_process() -> ProcessFacts:
    return ProcessFacts(open_files=_open_files, max_files=_max_files, environment=_environment)


def _open_files() -> int:
    """Without the one that the listing itself opens."""
    try:
        return len(os.listdir(OPEN_FILES_FOLDER)) - 1
    except OSError:
        return 0


def _max_files() -> int:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit


def _environment() -> Mapping[str, str]:
    system = os.uname()
    return {
        "host.name": system.nodename,
        "zkeeper.version": __version__,
        "python.version": ".".join(map(str, sys.version_info[:3])),
        "python.implementation": sys.implementation.name,
        "os.name": system.sysname,
        "os.arch": system.machine,
        "os.version": system.release,
        "user.name": _user_name(),
        "user.home": os.path.expanduser("~"),
        "user.dir": _working_folder(),
        **_memory(),
    }


def _user_name() -> str:
    with contextlib.suppress(OSError, KeyError):  # A container's user may have no name.
        return getpass.getuser()
    return UNKNOWN


def _working_folder() -> str:
    with contextlib.suppress(OSError):  # It may have been removed.
        return os.getcwd()
    return UNKNOWN


def _memory() -> dict[str, str]:
    """Of the machine, where Java tells of its heap; empty where the system does not say."""
    with contextlib.suppress(OSError, ValueError):
        free, installed = _megabytes("SC_AVPHYS_PAGES"), _megabytes("SC_PHYS_PAGES")
        return {"os.memory.free": free, "os.memory.max": installed, "os.memory.total": installed}
    return {}


def _megabytes(pages_name: str) -> str:
    return f"{os.sysconf(pages_name) * os.sysconf('SC_PAGE_SIZE') >> 20}MB"
