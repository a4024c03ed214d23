"""`python tests/fuzz/run.py --seed 1 --inputs 1000000`: throws mutated bytes at everything that reads bytes.

Ends with exit code 1 when an input had an outcome that is not allowed.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "pipeline"))

from fuzz_runner import MAKERS, Runner


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="stop after so long (60 when --inputs is not given, either)")
    parser.add_argument("--inputs", type=int, help="stop after so many inputs")
    parser.add_argument("--start", type=int, default=0, help="the first input; a finding names it")
    parser.add_argument("--only", action="append", default=[], choices=sorted(MAKERS), help="this target only")
    options = parser.parse_args()
    seconds = 60.0 if options.seconds is None and options.inputs is None else options.seconds
    result = Runner(options.seed, options.only).run(seconds, options.inputs, options.start)
    for finding in result.findings:
        print(finding)
    print(
        f"{result.inputs} inputs in {result.seconds:.1f} s ({result.inputs / result.cpu_s:.0f} in a second of CPU), "
        f"slowest {result.slowest_s * 1000:.0f} ms, memory grew by {result.growth_bytes >> 10} kB, {result.by_target}, "
        f"{len(result.findings)} findings"
    )
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
