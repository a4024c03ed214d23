"""Runs from seeds by the thousand, or one of them again with its story: what the programs of this folder share."""

import argparse
import math
import multiprocessing
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

PROGRESS_SEEDS = 500
SEEDS_OF_A_PROCESS = 40
"""What was alive when a machine was killed may be in cycles through compiled objects, which nothing frees.

After 80 runs of ensembles a process has 478 MB in place of 245, and the garbage collector takes 16 % of its time in
place of 10."""
CHUNK_SEEDS = 20


@dataclass(frozen=True)
class Outcome:
    counts: Counter[str]
    trace_hash: str


Run = Callable[[int, list[str] | None], Outcome]
"""Raises what went wrong. The list is filled with what happened."""


@dataclass(frozen=True)
class Report:
    seed: int
    counts: Counter[str]
    failure: str | None


def try_seed(run: Run, seed: int) -> Report:
    try:
        return Report(seed, run(seed, None).counts, None)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}"
        return Report(seed, Counter(), f"{type(error).__name__}: {error} ({place})")


def reports(run: Run, first: int, count: int, jobs: int) -> Iterator[Report]:
    with multiprocessing.Pool(jobs, maxtasksperchild=SEEDS_OF_A_PROCESS // CHUNK_SEEDS) as pool:
        yield from pool.imap_unordered(partial(try_seed, run), range(first, first + count), chunksize=CHUNK_SEEDS)


def run_many(
    run: Run, program: str, first: int, count: int, jobs: int, expected: Iterable[str] = (), limit_s: float = math.inf
) -> int:
    """After `limit_s` no more are tried; at least one is."""
    started_s = time.perf_counter()
    counts: Counter[str] = Counter()
    failures = done = 0
    for done, report in enumerate(reports(run, first, count, jobs), 1):
        counts += report.counts
        if report.failure is not None:
            failures += 1
            print(f"seed {report.seed} failed: {report.failure}\n"
                  f"  replay: python -m {program} --seed {report.seed} --trace", flush=True)  # fmt: skip
        if done % PROGRESS_SEEDS == 0:
            print(f"{done} of {count} seeds, {failures} failed, {time.perf_counter() - started_s:.0f} s", flush=True)
        if time.perf_counter() - started_s > limit_s:
            break
    _summarize(counts, failures, done, time.perf_counter() - started_s, jobs)
    for name in expected:
        if not counts[name]:
            print(f"  {name:28} never in these runs")
    return 1 if failures else 0


def _summarize(counts: Counter[str], failures: int, seeds: int, took_s: float, jobs: int) -> None:
    print(f"{seeds} seeds in {took_s:.1f} s, {took_s * jobs / seeds * 1000:.1f} ms each, {failures} failed")
    for name, count in sorted(counts.items()):
        print(f"  {name:28} {count}")


def run_one(run: Run, seed: int, is_told: bool) -> int:
    story: list[str] | None = [] if is_told else None
    try:
        outcome = run(seed, story)
    except Exception:
        print("\n".join(story or ()))
        traceback.print_exc()
        return 1
    print("\n".join(story or ()))
    print(f"seed {seed}: {outcome.trace_hash} {dict(sorted(outcome.counts.items()))}")
    return 0


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def argument_parser(program: str) -> argparse.ArgumentParser:
    """The options of all these programs; one may add its own."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("--seeds", type=positive, default=1000, help="how many")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which no more of them are tried")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=positive, default=1, help="processes")
    parser.add_argument("--seed", type=int, help="replay only this one")
    parser.add_argument("--trace", action="store_true", help="tell what happens in it")
    return parser


def play(run: Run, program: str, options: argparse.Namespace, expected: Iterable[str] = ()) -> int:
    """What the options ask for; the exit code. `program` is named with what a replay needs beside a seed.

    `expected` are counts of which it is told if they stay 0.
    """
    if options.seed is not None:
        return run_one(run, options.seed, options.trace)
    return run_many(run, program, options.first, options.seeds, options.jobs, expected, 60 * options.minutes)


def main(run: Run, program: str, arguments: list[str]) -> int:
    return play(run, program, argument_parser(program).parse_args(arguments))
