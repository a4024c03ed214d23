"""How the text of a setting becomes a value: the kinds that ZooKeeper has, with its rules and messages.

A reader takes the text and returns a `Reading`. A text that means nothing raises `BadValue`: fatal for the strict
kinds, which the parser of zoo.cfg reads itself; for the lenient ones, which are system properties in Java, the
default stays in force. Java is silent about that; here every such reading carries a remark.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Longer numbers than Java's largest are no numbers; the bound also keeps `int` from refusing to look at them.
_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}")
_JAVA_NUMBER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|#([0-9a-fA-F]+)|0([0-7]+)|(0|[1-9][0-9]{0,40}))")
_INTERVAL = re.compile(r"([0-9]{1,18})(ms|s|m|h|d)", re.IGNORECASE)
_INTERVAL_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

FOUR_LETTER_WORDS = (
    "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst", "srvr", "stat",
    "stmk", "wchc", "wchp", "wchs",
)  # fmt: skip


@dataclass(frozen=True)
class Reading(Generic[T_co]):
    """A value, and what the operator should know about how it was read."""

    value: T_co
    remark: str = ""


class BadValue(Exception):
    """The text is no value of its kind. `{key}` in the reason stands for the key, which a reader does not know."""

    def __init__(self, reason: str, advice: str, *, is_fatal: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.is_fatal = is_fatal


Reader = Callable[[str], Reading[T]]


def strict_int(least: int = -(2**31), most: int = 2**31 - 1) -> Reader[int]:
    """A decimal with an optional sign; anything else, or one out of the range, is an error."""

    def read(text: str) -> Reading[int]:
        if not _DECIMAL.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
            raise BadValue(f'For input string: "{text}"', "write a whole number", is_fatal=True)
        if not least <= int(text) <= most:
            raise BadValue(f"{text} is out of range", f"write a number from {least} to {most}", is_fatal=True)
        return Reading(int(text))

    return read


def lenient_int(least: int | None = None, *, bits: int = 32) -> Reader[int]:
    """What Java's `Integer.decode` takes: decimal, 0x, # or a leading 0 for octal. Below `least`, `least` counts."""

    def read(text: str) -> Reading[int]:
        number = _java_number(text)
        if number is None or not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise BadValue(f"{text!r} is not a whole number", "write a whole number", is_fatal=False)
        return _raised(number, least)

    return read


def raised_to(least: int) -> Reader[int]:
    """A strict number of which less than `least` counts as `least`."""
    strict = strict_int()
    return lambda text: _raised(strict(text).value, least)


def _raised(number: int, least: int | None) -> Reading[int]:
    if least is None or number >= least:
        return Reading(number)
    return Reading(least, f"{number} is too low, {least} is in force")


def _java_number(text: str) -> int | None:
    match = _JAVA_NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, hexadecimal, hashed, octal, decimal = match.groups()
    digits, base = (decimal, 10) if decimal else (octal, 8) if octal else (hexadecimal or hashed, 16)
    return -int(digits, base) if sign == "-" else int(digits, base)


def lenient_float(text: str) -> Reading[float]:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadValue(f"{text!r} is not a number", "write a number such as 0.02", is_fatal=False)
    return Reading(number)


def strict_bool(text: str) -> Reading[bool]:
    if text.lower() not in ("true", "false"):
        reason = f"Invalid option {text} for {{key}}. Choose 'true' or 'false.'"
        raise BadValue(reason, "write true or false", is_fatal=True)
    return Reading(text.lower() == "true")


def lenient_bool(text: str) -> Reading[bool]:
    """True only for `true` in any case; Java takes everything else for false."""
    return _switch(text.lower() == "true", text.lower(), ("true", "false"))


def off_only_for(word: str, other: str) -> Reader[bool]:
    """True unless the text is exactly `word`."""
    return lambda text: _switch(text != word, text, (word, other))


def on_only_for(word: str, other: str) -> Reader[bool]:
    """False unless the text is exactly `word`."""
    return lambda text: _switch(text == word, text, (word, other))


def _switch(value: bool, text: str, usual: tuple[str, str]) -> Reading[bool]:
    if text in usual:
        return Reading(value)
    return Reading(value, f"{text!r} counts as {'on' if value else 'off'}; write {usual[0]} or {usual[1]}")


def plain_text(text: str) -> Reading[str]:
    return Reading(text)


def names(text: str) -> Reading[tuple[str, ...]]:
    """A list with commas; blanks around a name and empty names are dropped."""
    return Reading(tuple(name.strip() for name in text.split(",") if name.strip()))


def four_letter_words(text: str) -> Reading[tuple[str, ...]]:
    """The whitelist, sorted; `srvr` is always on it, and a `*` anywhere stands for all words."""
    listed = names(text).value
    unknown = [word for word in listed if word != "*" and word not in FOUR_LETTER_WORDS]
    remark = f"there is no word {', '.join(unknown)}; there are {', '.join(FOUR_LETTER_WORDS)}" if unknown else ""
    return Reading(tuple(sorted({"srvr", *listed})), remark)


def path(text: str) -> Reading[str]:
    if not text or text.startswith(("/", "./", "../")) or re.match(r"[A-Za-z]:[/\\]", text):
        return Reading(text)
    return Reading(text, f"{text} is relative to the working folder; write ./{text} to say that this is meant")


def filled_text(text: str) -> Reading[str]:
    if not text:
        raise BadValue("the value is empty", "write a value, or remove the key", is_fatal=True)
    return Reading(text)


def address(text: str) -> Reading[str]:
    """A host or an address; one of IPv6 may stand in brackets."""
    return Reading(filled_text(text).value.removeprefix("[").removesuffix("]"))


def choice(meanings: Mapping[str, str], *, is_fatal: bool) -> Reader[str]:
    """One of a few words in any case, each with what it stands for."""

    def read(text: str) -> Reading[str]:
        meaning = meanings.get(text.lower())
        if meaning is None:
            known = ", ".join(word or "nothing at all" for word in meanings)
            raise BadValue(f"{text!r} is not known", f"choose one of {known}", is_fatal=is_fatal)
        return Reading(meaning)

    return read


def role(text: str) -> Reading[str]:
    if text.lower() not in ("participant", "observer"):
        raise BadValue(f"Unrecognised peertype: {text}", "write participant or observer", is_fatal=True)
    return Reading(text.lower())


def interval_ms(text: str) -> Reading[int]:
    """`500ms 10s 5m 2h 1d`; digits alone are hours. What is not positive means off, and reads as 0."""
    match = _INTERVAL.fullmatch(text)
    if match is not None:
        return Reading(int(match[1]) * _INTERVAL_UNIT_MS[match[2].lower()])
    try:
        return Reading(max(0, strict_int()(text).value) * _INTERVAL_UNIT_MS["h"])
    except BadValue as bad:
        advice = "write hours, as in 24, or a number with its unit: ms, s, m, h or d, as in 7d; 0 is off"
        raise BadValue(bad.reason, advice, is_fatal=True) from bad
