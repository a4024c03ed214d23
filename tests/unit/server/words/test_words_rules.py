"""Which words are answered: recognition, whitelist, a server that does not serve."""

import pytest
from words_support import Bench

from zkeeper.server.config.model import NetworkConfig
from zkeeper.server.words.four_letter import KNOWN

NOT_SERVING = "This ZooKeeper instance is not currently serving requests"
WORDS = [
    "ruok",
    "srvr",
    "stat",
    "isro",
    "conf",
    "cons",
    "mntr",
    "envi",
    "dump",
    "wchs",
    "wchc",
    "wchp",
    "dirs",
    "crst",
    "srst",
    "gtmk",
    "stmk",
    "hash",
]


def test_all_words_and_the_telnet_break_are_known() -> None:
    assert {word.encode() for word in WORDS} | {b"\xff\xf4\xff\xfd"} == KNOWN


@pytest.mark.parametrize("word", [b"RUOK", b"nope", b"\xff\xff\xff\xff"])
def test_other_words_close_without_an_answer(word: bytes) -> None:
    assert Bench().ask(word) == ""


def test_what_follows_a_word_is_ignored() -> None:
    assert Bench().ask(b"ruok", b"\r\n") == "imok"


def test_the_telnet_break_closes_silently_even_if_nothing_is_allowed() -> None:
    assert Bench(allowed="").ask(b"\xff\xf4\xff\xfd") == ""


@pytest.mark.parametrize("word", WORDS)
def test_a_word_off_the_whitelist_is_refused_by_name(word: str) -> None:
    refusal = f"{word} is not executed because it is not in the whitelist.\n"
    assert Bench(allowed="").ask(word.encode(), bytes(8)) == refusal


def test_the_whitelist_of_the_configuration_can_be_plugged_in() -> None:
    default = NetworkConfig()
    assert [word for word in WORDS if default.allows_word(word)] == ["srvr"]


@pytest.mark.parametrize(
    "word", ["conf", "cons", "crst", "dirs", "dump", "mntr", "srst", "srvr", "stat", "wchc", "wchp", "wchs"]
)
def test_words_about_a_server_say_when_there_is_none(word: str) -> None:
    bench = Bench()
    bench.is_serving = False
    assert bench.ask(word.encode()) == NOT_SERVING + "\n"


@pytest.mark.parametrize(
    ("word", "answer"), [("hash", NOT_SERVING), ("isro", "null"), ("ruok", "imok"), ("gtmk", "306")]
)
def test_other_words_without_a_server(word: str, answer: str) -> None:
    bench = Bench()
    bench.is_serving = False
    assert bench.ask(word.encode()) == answer


def test_the_environment_is_told_without_a_server() -> None:
    bench = Bench()
    bench.is_serving = False
    assert bench.ask(b"envi").startswith("Environment:\nzookeeper.version=3.9.5-zkeeper-")


def test_a_refusal_comes_before_the_question_whether_the_server_serves() -> None:
    bench = Bench(allowed="")
    bench.is_serving = False
    assert bench.ask(b"isro") == "isro is not executed because it is not in the whitelist.\n"


def test_the_trace_mask_is_kept() -> None:
    bench = Bench()
    assert bench.ask(b"stmk", (-2).to_bytes(8, "big", signed=True) + b"more") == "-2"
    assert bench.ask(b"gtmk") == "-2"
