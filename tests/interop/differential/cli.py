"""Send the same random requests to two ZooKeeper servers and compare all that comes back.

Exit code 0: no difference. 1: there was one, and a replay file is written. 2: a server did not start.
"""

import argparse
import pathlib
import sys
import tempfile
import time
from collections.abc import Sequence

from . import run
from .lockstep import Tally
from .profiles import PROFILES
from .report import difference_lines, read_replay, summary_lines, write_replay
from .run import Epoch, Pair
from .servers import COMMAND_VARIABLE, StartError
from .shrink import shrink
from .steps import Step

_SIDE = "java|zkeeper|HOST:PORT"
_SHRINK_ATTEMPTS = 150


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except StartError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.interop.differential", description=__doc__)
    parser.add_argument("--left", default="java", metavar=_SIDE, help="the judge's model")
    parser.add_argument("--right", default="zkeeper", metavar=_SIDE)
    parser.add_argument("--java-command", help=f"starts a Java server, given a zoo.cfg (or set {COMMAND_VARIABLE})")
    parser.add_argument("--port", type=int, default=25_500, help="two free ports begin here")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epoch", type=int, default=20_000, help="requests between fresh servers")
    parser.add_argument("--profile", choices=sorted(PROFILES), help="one configuration instead of all in turns")
    parser.add_argument("--replay", type=pathlib.Path, metavar="FILE", help="take the steps of this file")
    parser.add_argument("--shrink", action="store_true", help="with --replay: write a shorter file that still fails")
    replay_to = pathlib.Path(tempfile.gettempdir(), "differential-replay.json")
    parser.add_argument("--replay-to", type=pathlib.Path, default=replay_to, metavar="FILE")
    return parser


def _run(options: argparse.Namespace) -> int:
    pair = Pair(options.left, options.right, options.port, options.java_command)
    started = time.monotonic()
    if options.shrink:
        return _shrink(options, pair)
    if options.replay:
        tally, epoch = run.replay(pair, *read_replay(options.replay))
    else:
        profiles = [PROFILES[options.profile]] if options.profile else list(PROFILES.values())
        tally, epoch = run.explore(pair, profiles, options.seed, options.requests, options.epoch)
        if epoch.differences:
            write_replay(options.replay_to, epoch.profile.name, epoch.seed, epoch.taken)
            print(f"seed {epoch.seed}, profile {epoch.profile.name}, step {len(epoch.taken)}: see {options.replay_to}")
    return _conclude(tally, epoch, time.monotonic() - started)


def _shrink(options: argparse.Namespace, pair: Pair) -> int:
    profile, steps = read_replay(options.replay)

    def fails(candidate: Sequence[Step]) -> bool:
        _, epoch = run.replay(pair, profile, candidate)
        print(f"{len(candidate)} steps: {'differ' if epoch.differences else 'the same'}", flush=True)
        return bool(epoch.differences)

    smaller = shrink(steps, fails, _SHRINK_ATTEMPTS)
    write_replay(options.replay_to, profile, f"shrunk from {options.replay}", smaller)
    print(f"{len(steps)} steps shrunk to {len(smaller)}: see {options.replay_to}")
    return 1


def _conclude(tally: Tally, epoch: Epoch, seconds: float) -> int:
    print("\n".join(difference_lines(epoch.differences)))
    for side, words in zip(("left", "right"), epoch.last_words, strict=False):
        print(f"the {side} server's last words:\n{words}")
    print("\n".join(summary_lines(tally, len(epoch.differences), seconds)))
    return 1 if epoch.differences else 0
