"""The promise of the simulation: the seed decides everything."""

import os
import subprocess
import sys

import pytest
import scenario_for_simulation as scenario


def hash_in_another_process(seed: int, hash_seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, scenario.__file__, str(seed)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_equal_seeds_give_equal_traces_in_every_process() -> None:
    hashes = {hash_in_another_process(7, "1"), hash_in_another_process(7, "2"), scenario.run(7)[0]}
    assert len(hashes) == 1


def test_equal_seeds_give_equal_results_in_one_process() -> None:
    assert scenario.run(11) == scenario.run(11)


def test_different_seeds_differ() -> None:
    assert len({scenario.run(seed)[0] for seed in range(5)}) == 5


@pytest.mark.parametrize("seed", range(10))
def test_the_scenario_meets_faults_and_success(seed: int) -> None:
    answers = scenario.run(seed)[1]
    assert len(answers) == 120
    assert any("Error" in answer for answer in answers)
    assert any("b'" in answer for answer in answers)
