"""`python benchmarks/bench.py`: zkeeper side by side with Apache ZooKeeper, as a Markdown table."""

import sys

import memory
import snapshot
import startup
import throughput
from command import Benchmark, run_benchmark

BENCHMARK = Benchmark(
    "bench.py", __doc__ or "", [*throughput.SCENARIOS, *startup.SCENARIOS, *memory.SCENARIOS, *snapshot.SCENARIOS]
)

if __name__ == "__main__":
    sys.exit(run_benchmark(BENCHMARK, sys.argv[1:]))
