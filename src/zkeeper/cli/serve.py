"""`zkeeper serve`: runs a server, alone or as a member of an ensemble, until it is told to stop.

Exit codes are ZooKeeper's: 0 stopped on request, 1 an unexpected failure (a client port in use, a failed log), 2 a
wrong configuration, 3 a data directory that cannot be used, 14 an election port that cannot be opened.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

import zkeeper
from zkeeper.database import tree
from zkeeper.errors import StorageError
from zkeeper.pipeline.clocks import WallMs
from zkeeper.server.config import ConfigError, Loaded, explain, from_arguments, load
from zkeeper.server.descriptors import Descriptors
from zkeeper.server.port_failure import PortError
from zkeeper.server.standalone import StandaloneServer
from zkeeper.server.words import this_process
from zkeeper.storage.real_disk import RealDisk

if TYPE_CHECKING:
    from zkeeper.server.ensemble.member import EnsembleServer

EXIT_FAILED: Final = 1
EXIT_CONFIG: Final = 2
EXIT_DATA: Final = 3
GC_THRESHOLD: Final = 50_000
OPEN_TEXTS: Final = {
    False: "serving clients on %s port %d",
    True: "the client port is open on %s port %d; clients are served while there is a leader",
}
RESERVED_DESCRIPTORS: Final = 64
"""What connections leave for the log, snapshots, and the server itself: it uses about twenty."""

logger = logging.getLogger("zkeeper")


def serve(words: Sequence[str]) -> int:
    """Runs a server as `words` say and returns the exit code."""
    options = _parser().parse_args(words)
    _start_logging(options.verbose)
    try:
        loaded = _load(options)
    except ConfigError as error:
        _tell_config_error(error)
        return EXIT_CONFIG
    if options.check:
        _print_check(loaded)
        return 0
    return _run(loaded)


def _tell_config_error(error: ConfigError) -> None:
    """What else was odd may be the reason: a key that is missing is often there with a typo."""
    warnings = [f"warning: {note.text}" for note in error.notes if note.level >= logging.WARNING]
    print("Invalid config, exiting abnormally", error, *warnings, sep="\n", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zkeeper serve", description="Runs a ZooKeeper server.")
    parser.add_argument("config", nargs="*", help="a zoo.cfg, or: port dataDir [tickTime] [maxClientCnxns]")
    parser.add_argument(
        "-D", dest="defines", action="append", default=[], metavar="KEY=VALUE", help="a property, as for Java"
    )
    parser.add_argument("--port", help="the client port, instead of the configured one; 0 for any free one")
    parser.add_argument("--data-dir", help="the data directory, instead of the configured one")
    parser.add_argument("--check", action="store_true", help="tell what is in force, and why, and stop")
    parser.add_argument("--verbose", action="store_true", help="log more")
    return parser


def _start_logging(verbose: bool) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-8s %(name)s: %(message)s",
    )


def _load(options: argparse.Namespace) -> Loaded:
    defines = _defines(options.defines)
    if len(options.config) > 1:
        return from_arguments(options.config, defines, os.environ)
    overrides = {"clientPort": options.port, "dataDir": options.data_dir}
    given = {key: value for key, value in overrides.items() if value is not None}
    path = options.config[0] if options.config else None
    return load(path, defines, os.environ, _read_file, given)


def _defines(items: Sequence[str]) -> dict[str, str]:
    defines: dict[str, str] = {}
    for item in items:
        key, separator, value = item.partition("=")
        if not separator:
            raise ConfigError(f"-D {item} has no value", "write -D key=value")
        defines[key] = value
    return defines


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _print_check(loaded: Loaded) -> None:
    for note in loaded.notes:
        print(f"{logging.getLevelName(note.level).lower()}: {note.text}")
    for line in explain(loaded.config):
        print(f"{line.key}={line.value}  ({line.source})")


def is_compiled() -> bool:
    """Whether the core runs as compiled extensions."""
    return not tree.__file__.endswith(".py")


def _run(loaded: Loaded) -> int:
    logger.info(
        "zkeeper %s on Python %d.%d.%d, %s",
        zkeeper.__version__,
        *sys.version_info[:3],
        "compiled" if is_compiled() else "not compiled: slower, same behaviour",
    )
    for note in loaded.notes:
        logger.log(note.level, "configuration: %s", note.text)
    try:
        import uvloop
    except ImportError:
        logger.warning("uvloop is not installed; the standard event loop is slower")
        return asyncio.run(_serve_until_stopped(loaded))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve_until_stopped(loaded))


async def _serve_until_stopped(loaded: Loaded) -> int:
    disk = RealDisk(loaded.config.storage.is_direct_log, logging.getLogger("zkeeper.storage").info)
    make = StandaloneServer if loaded.config.quorum is None else _ensemble_server()
    server = make(
        loaded.config, disk, WallMs(time.time_ns).read, Random(), this_process(),
        clock_s=time.monotonic, descriptors=_descriptors(),
    )  # fmt: skip
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await server.start()
        _settle_garbage_collector()
        for host, port in server.port.addresses():
            logger.info(OPEN_TEXTS[loaded.config.quorum is not None], host, port)
        await _first(stop.wait(), server.stopped())
        await server.stop()
    except StorageError as error:
        logger.critical("the files of this server cannot be used: %s", error)
        return EXIT_DATA
    except PortError as error:
        logger.critical("%s", error)
        return error.exit_code
    finally:
        disk.close()
    return EXIT_FAILED if server.failure is not None else 0


def _ensemble_server() -> "type[EnsembleServer]":
    """A standalone server does not load what it does not need."""
    from zkeeper.server.ensemble.member import EnsembleServer

    return EnsembleServer


def _descriptors() -> Descriptors:
    """Raises the limit of descriptors as far as this user may."""
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        limit = hard
    room = 0 if limit == resource.RLIM_INFINITY else max(1, limit - RESERVED_DESCRIPTORS)
    return Descriptors(room, _probe_descriptor)


def _probe_descriptor() -> None:
    os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


async def _first(*events: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.ensure_future(event) for event in events]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _settle_garbage_collector() -> None:
    """What recovery made stays: the collector need not look at it again, and less often at what is new."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 50, 100)
