import pytest

from zkeeper.cli.shell.commands import COMMANDS, UsageError, all_usages, parse_command, usage_text
from zkeeper.cli.shell.options import OptionError, Parsed


def parsed(line: str) -> Parsed:
    name, *words = line.split()
    return parse_command(COMMANDS[name], words)


@pytest.mark.parametrize(
    ("line", "given", "positional"),
    [
        ("get -s /a", {"s": ""}, ["/a"]),
        ("get /a -s", {"s": ""}, ["/a"]),
        ("get -sw /a", {"s": "", "w": ""}, ["/a"]),
        ("get -s -- -a", {"s": ""}, ["-a"]),
        ("get - /a", {}, ["-", "/a"]),
        ("set /a x -v -1", {"v": "-1"}, ["/a", "x"]),
        ("set /a x -v=3", {"v": "3"}, ["/a", "x"]),
        ("set /a x -v3", {"v": "3"}, ["/a", "x"]),
        ("reconfig -add a -add b", {"add": "a"}, []),
        ("setquota -n 5 /a", {"n": "5"}, ["/a"]),
        ("delquota -N /a", {"N": ""}, ["/a"]),
    ],
)
def test_options_stand_anywhere(line: str, given: dict[str, str], positional: list[str]) -> None:
    assert parsed(line) == Parsed(given, positional)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("get -z /a", "UnrecognizedOptionException: Unrecognized option: -z"),
        ("get -sz /a", "UnrecognizedOptionException: Unrecognized option: -sz"),
        ("get -s=1 /a", "UnrecognizedOptionException: Unrecognized option: -s=1"),
        ("set /a -5", "UnrecognizedOptionException: Unrecognized option: -5"),
        ("set /a x -v", "MissingArgumentException: Missing argument for option: v"),
        ("set /a x -v -s", "MissingArgumentException: Missing argument for option: v"),
        ("delquota -n -b /a", "AlreadySelectedException: The option 'b' was specified"),
        ("setquota /a", "MissingOptionException: Missing required option: [-n num soft quota, -b"),
    ],
)
def test_wrong_options_are_told_in_zkclis_words(line: str, complaint: str) -> None:
    with pytest.raises(OptionError) as told:
        parsed(line)
    assert str(told.value).startswith(f"org.apache.commons.cli.{complaint}")


@pytest.mark.parametrize("line", ["ls", "get -s", "set /a", "setquota -n /a", "setAcl /a", "version x"])
def test_too_few_arguments_are_answered_with_the_usage(line: str) -> None:
    with pytest.raises(UsageError) as told:
        parsed(line)
    assert str(told.value) == usage_text(COMMANDS[line.split()[0]])


def test_help_has_every_command_of_zkcli_and_no_other() -> None:
    listed = [line.split()[0] for line in all_usages().splitlines()[1:]]
    assert listed == sorted(listed)
    assert set(COMMANDS) - set(listed) == {"exit", "help"}
