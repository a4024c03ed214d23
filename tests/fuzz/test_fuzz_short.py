"""A short run of the fuzzer; `run.py` beside it makes the long ones."""

from fuzz_runner import MAKERS, Runner


def test_ten_seconds_of_mutated_inputs_have_only_allowed_outcomes() -> None:
    result = Runner(seed=1).run(seconds=8.0, inputs=20_000)
    assert not result.findings, "\n".join(str(finding) for finding in result.findings)
    assert result.inputs >= 2_000


def test_every_target_is_run() -> None:
    for name in MAKERS:
        result = Runner(seed=2, only=[name]).run(inputs=100)
        assert not result.findings, "\n".join(str(finding) for finding in result.findings)
        assert result.by_target == {name: 100}


def test_a_seed_gives_the_same_inputs_again() -> None:
    results = [Runner(seed=3).run(inputs=1000).by_target for _ in range(2)]
    assert results[0] == results[1]
