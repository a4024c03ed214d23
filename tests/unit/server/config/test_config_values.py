"""The kinds of values: what each takes, what it makes of it, and what it says."""

from typing import Any

import pytest

from zkeeper.server.config import values
from zkeeper.server.config.auth_values import provider_scheme
from zkeeper.server.config.values import BadValue, Reader

COMPRESSION = values.choice({"gz": "gz", "": "plain"}, is_fatal=False)
PACKAGE = "org.apache.zookeeper.server.auth."


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (values.strict_int(), "2000", 2000),
        (values.strict_int(), "+5", 5),
        (values.strict_int(), "-1", -1),
        (values.strict_int(), "007", 7),
        (values.lenient_int(), "0x10", 16),
        (values.lenient_int(), "-0X1f", -31),
        (values.lenient_int(), "#ff", 255),
        (values.lenient_int(), "010", 8),
        (values.lenient_int(), "0", 0),
        (values.lenient_int(), "+7", 7),
        (values.lenient_int(bits=64), "99999999999", 99_999_999_999),
        (values.lenient_int(), "-2147483648", -(2**31)),
        (values.lenient_float, "0.5", 0.5),
        (values.strict_bool, "TRUE", True),
        (values.strict_bool, "False", False),
        (values.lenient_bool, "True", True),
        (values.off_only_for("no", "yes"), "no", False),
        (values.off_only_for("no", "yes"), "yes", True),
        (values.on_only_for("yes", "no"), "yes", True),
        (values.on_only_for("yes", "no"), "no", False),
        (values.names, " a, ,b,", ("a", "b")),
        (values.four_letter_words, "stat, ruok", ("ruok", "srvr", "stat")),
        (values.four_letter_words, "", ("srvr",)),
        (values.path, "/data", "/data"),
        (values.path, "./data", "./data"),
        (values.path, "../data", "../data"),
        (values.path, "C:/data", "C:/data"),
        (values.role, "OBSERVER", "observer"),
        (COMPRESSION, "GZ", "gz"),
        (COMPRESSION, "", "plain"),
        (provider_scheme, PACKAGE + "SASLAuthenticationProvider", "sasl"),
        (values.interval_ms, "500ms", 500),
        (values.interval_ms, "10S", 10_000),
        (values.interval_ms, "5m", 300_000),
        (values.interval_ms, "2h", 7_200_000),
        (values.interval_ms, "1d", 86_400_000),
        (values.interval_ms, "24", 86_400_000),
        (values.interval_ms, "0", 0),
        (values.interval_ms, "-1", 0),
    ],
)
def test_good_values_need_no_remark(read: Reader[Any], text: str, expected: object) -> None:
    reading = read(text)
    assert (reading.value, reading.remark) == (expected, "")


@pytest.mark.parametrize(
    ("read", "text", "expected", "remark"),
    [
        (values.lenient_bool, "yes", False, "'yes' counts as off"),
        (values.lenient_bool, "1", False, "write true or false"),
        (values.off_only_for("no", "yes"), "false", True, "'false' counts as on"),
        (values.on_only_for("yes", "no"), "true", False, "'true' counts as off"),
        (values.lenient_int(2), "1", 2, "1 is too low, 2 is in force"),
        (values.raised_to(3), "1", 3, "1 is too low, 3 is in force"),
        (values.path, "data", "data", "write ./data"),
    ],
)
def test_odd_values_are_remarked_on(read: Reader[Any], text: str, expected: object, remark: str) -> None:
    reading = read(text)
    assert reading.value == expected
    assert remark in reading.remark


@pytest.mark.parametrize(
    ("read", "text", "reason"),
    [
        (values.strict_int(), "abc", 'For input string: "abc"'),
        (values.strict_int(), "", 'For input string: ""'),
        (values.strict_int(), "2000 # x", 'For input string: "2000 # x"'),
        (values.strict_int(), "0x10", 'For input string: "0x10"'),
        (values.strict_int(), "9" * 5000, "For input string"),
        (values.strict_int(), "2147483648", "out of range"),
        (values.strict_int(0, 65535), "65536", "out of range"),
        (values.raised_to(3), "x", 'For input string: "x"'),
        (values.strict_bool, "yes", "Invalid option yes for {key}. Choose 'true' or 'false.'"),
        (values.role, "foo", "Unrecognised peertype: foo"),
        (values.interval_ms, "5 m", 'For input string: "5 m"'),
        (values.filled_text, "", "empty"),
        (provider_scheme, "my.Provider", "no known authentication provider"),
    ],
)
def test_strict_values_are_fatal(read: Reader[Any], text: str, reason: str) -> None:
    with pytest.raises(BadValue) as caught:
        read(text)
    assert caught.value.is_fatal
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.lenient_int(), "abc"),
        (values.lenient_int(), ""),
        (values.lenient_int(), "08"),
        (values.lenient_int(), "0x"),
        (values.lenient_int(), "1 2"),
        (values.lenient_int(), "2147483648"),
        (values.lenient_int(), "9" * 5000),
        (values.lenient_int(bits=64), "9223372036854775808"),
        (values.lenient_float, "much"),
        (values.lenient_float, "nan"),
        (COMPRESSION, "zip"),
    ],
)
def test_lenient_values_fall_back(read: Reader[Any], text: str) -> None:
    with pytest.raises(BadValue) as caught:
        read(text)
    assert not caught.value.is_fatal
