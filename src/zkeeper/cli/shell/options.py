"""Reads the options of one command, in the way of the library that zkCli uses, with its error texts.

1. Options may stand before, between or after the positional arguments; `--` ends them.
2. Options without a value may be run together (`-sw`), if all letters are options. A value follows as the next word, or
   attached as `-v=3`, or for one-letter options as `-v3`.
3. The word after an option that wants a value is its value, unless it is an option itself; so `-v -1` works.
4. A lone `-` is a positional argument. A number with a minus sign is one nowhere but as a value.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_PREFIX: Final = "org.apache.commons.cli."


class Option(NamedTuple):
    """An option of a command: `-name`, with a value if `value` names one."""

    name: str
    help: str
    value: str | None = None
    group: str | None = None
    """Of the options that share a group, at most one may be given."""


class OptionError(Exception):
    """The words are not what the command takes; the text is zkCli's."""


class Parsed(NamedTuple):
    """A command's words, sorted out. An option without a value maps to the empty string."""

    given: dict[str, str]
    positional: list[str]

    def has(self, name: str) -> bool:
        return name in self.given

    def value(self, name: str) -> str | None:
        return self.given.get(name)


def parse_options(options: Sequence[Option], words: Sequence[str], required_group: str | None = None) -> Parsed:
    """Sorts `words` out. Of `required_group`, one option has to be given."""
    reader = _Reader({option.name: option for option in options}, words)
    parsed = reader.read()
    if required_group is not None:
        _check_group(options, required_group, parsed.given)
    return parsed


def _check_group(options: Iterable[Option], group: str, given: dict[str, str]) -> None:
    members = [option for option in options if option.group == group]
    if not any(option.name in given for option in members):
        listed = ", ".join(f"-{option.name} {option.help}" for option in members)
        raise OptionError(f"{_PREFIX}MissingOptionException: Missing required option: [{listed}]")


class _Reader:
    def __init__(self, options: dict[str, Option], words: Sequence[str]) -> None:
        self._options = options
        self._words = list(words)
        self._given: dict[str, str] = {}
        self._positional: list[str] = []

    def read(self) -> Parsed:
        while self._words:
            word = self._words.pop(0)
            if word == "--":
                self._positional += self._words
                break
            if len(word) > 1 and word.startswith("-"):
                self._read_option(word)
            else:
                self._positional.append(word)
        return Parsed(self._given, self._positional)

    def _read_option(self, word: str) -> None:
        name, separator, attached = word[1:].partition("=")
        option = self._options.get(name)
        if option is not None and (not separator or option.value is not None):
            self._take(option, attached if separator else None)
        elif (first := self._options.get(word[1])) is not None and first.value is not None:
            self._take(first, word[2:])
        elif all((one := self._options.get(letter)) is not None and one.value is None for letter in word[1:]):
            for letter in word[1:]:
                self._take(self._options[letter], None)
        else:
            raise OptionError(f"{_PREFIX}UnrecognizedOptionException: Unrecognized option: {word}")

    def _take(self, option: Option, attached: str | None) -> None:
        self._check_alone(option)
        if option.value is None:
            value = ""
        elif attached is not None:
            value = attached
        else:
            value = self._next_value(option)
        earlier = self._given.get(option.name)
        self._given[option.name] = value if earlier is None or option.value is None else earlier

    def _next_value(self, option: Option) -> str:
        if not self._words or self._is_option(self._words[0]):
            raise OptionError(f"{_PREFIX}MissingArgumentException: Missing argument for option: {option.name}")
        return self._words.pop(0)

    def _is_option(self, word: str) -> bool:
        name = word[1:].partition("=")[0]
        return word == "--" or (word.startswith("-") and (name in self._options or name[:1] in self._options))

    def _check_alone(self, option: Option) -> None:
        for name in self._given:
            if option.group is not None and name != option.name and self._options[name].group == option.group:
                raise OptionError(
                    f"{_PREFIX}AlreadySelectedException: The option '{option.name}' was specified but an option from "
                    f"this group has already been selected: '{name}'"
                )
