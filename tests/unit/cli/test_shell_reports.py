"""Results as JSON, and as people see them."""

import io
import json

import pytest
from rich.console import Console

from zkeeper.cli.shell import results
from zkeeper.cli.shell.reports import Event, Failure
from zkeeper.cli.shell.reports.json_lines import JsonReport
from zkeeper.cli.shell.reports.people import PeopleReport
from zkeeper.cli.shell.reports.plain import PlainReport, data_text
from zkeeper.cli.shell.results import DataForm, Result
from zkeeper.values import Acl, Permission, Stat

STAT = Stat(1, 2, 1000, 2000, 3, 4, 5, 0x10000000001, 6, 7, 1 << 60)


def as_json(*shown: Result, code: int = 0) -> object:
    out = io.StringIO()
    report = JsonReport(out)
    report.begin(["get", "/a"])
    for result in shown:
        report.show(result)
    report.end(code)
    values = json.loads(out.getvalue())
    assert (values.pop("command"), values.pop("exit_code")) == (["get", "/a"], code)
    return values


def for_people(*shown: Result) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    report = PeopleReport(console)
    for result in shown:
        report.show(result)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


@pytest.mark.parametrize(
    ("result", "values"),
    [
        (results.Names(["a", "b"]), {"names": ["a", "b"]}),
        (results.Data(b"text"), {"data": "text"}),
        (results.Data(b""), {"data": ""}),
        (results.Data(None), {"data": None}),
        (results.Data(b"\xff\x00", DataForm.HEX), {"data": "/wA=", "encoding": "base64"}),
        (results.CreatedPath("/a"), {"created": "/a"}),
        (results.AclOf([Acl(Permission.READ, "ip", "::1")]), {"acl": ["ip:::1:r"]}),
        (results.Identities([("ip", "::1")]), {"identities": [{"scheme": "ip", "id": "::1"}]}),
        (results.Count(3), {"count": 3}),
        (results.Quota("/a", "l", "u"), {"path": "/a", "limits": "l", "usage": "u"}),
        (results.Configuration("server.1=x", True), {"configuration": "server.1=x"}),
        (results.ClientAddresses("1", ["h:1"]), {"version": "1", "addresses": ["h:1"]}),
        (results.History([(4, "ls /")]), {"history": [{"number": 4, "line": "ls /"}]}),
        (results.Said("Sync is OK", {"rc": 0}), {"rc": 0}),
        (results.Help(["ls"]), {"commands": {"ls": "ls [-s] [-w] [-R] path"}}),
    ],
)
def test_each_result_has_json(result: Result, values: object) -> None:
    assert as_json(result) == values


def test_the_results_of_a_command_are_one_object() -> None:
    values = as_json(results.Data(b"x"), results.StatOf(STAT))
    assert isinstance(values, dict)
    assert values["data"] == "x"
    assert values["stat"]["pzxid"] == "0x1000000000000000"
    assert as_json(results.Path("/a"), results.Path("/a/b")) == {"paths": ["/a", "/a/b"]}


def test_errors_and_notes_are_in_the_object() -> None:
    out = io.StringIO()
    report = JsonReport(out)
    report.begin(["ls"])
    report.note("old form")
    report.fail(Failure("Node does not exist: /a", "NoNode", "/a", -101))
    report.end(1)
    assert json.loads(out.getvalue()) == {
        "command": ["ls"],
        "exit_code": 1,
        "notes": ["old form"],
        "error": {"text": "Node does not exist: /a", "name": "NoNode", "path": "/a", "code": -101},
    }


def test_an_event_is_an_object() -> None:
    out = io.StringIO()
    JsonReport(out).event(Event("SyncConnected", "NodeCreated", "/a", 1 << 40))
    assert json.loads(out.getvalue()) == {
        "event": {"state": "SyncConnected", "type": "NodeCreated", "path": "/a", "zxid": "0x10000000000"}
    }


def test_people_see_names_and_tables() -> None:
    assert for_people(results.Names(["a", "b"])) == "a   b"
    assert for_people(results.Names([])) == "(none)"
    acl = [Acl(Permission.ALL, "world", "anyone"), Acl(Permission.READ, "ip", "1.2.3.4")]
    assert for_people(results.AclOf(acl)).splitlines() == [
        "scheme   id        permissions",
        "world    anyone    cdrwa",
        "ip       1.2.3.4   r",
    ]


def test_people_see_a_stat_in_words() -> None:
    shown = for_people(results.StatOf(STAT))
    assert "versions   data 3, children 4, ACL 5" in shown
    assert "ephemeral of session 0x10000000001" in shown
    assert for_people(results.StatOf(STAT._replace(ephemeral_owner=0))).endswith("not ephemeral")


def test_people_see_json_laid_out_and_everything_else_as_it_is() -> None:
    assert for_people(results.Data(b'{"a": 1}')) == '{\n  "a": 1\n}'
    assert for_people(results.Data(b"{not json")) == "{not json"
    assert for_people(results.Data(b"[bold]x[/]")) == "[bold]x[/]"
    assert for_people(results.Data(None)) == "null"


def test_data_cannot_steer_the_terminal() -> None:
    assert for_people(results.Data(b"a\x1b[2J\x07\tb\nc")) == "a\N{SYMBOL FOR ESCAPE}[2J\N{SYMBOL FOR BELL}  b\nc"
    assert for_people(results.Data(b'{"a": "\xc2\x9b2J"}')) == '{\n  "a": "\N{REPLACEMENT CHARACTER}2J"\n}'
    shown = for_people(results.AclOf([Acl(Permission.READ, "digest", "\x1b:x")]))
    assert "\x1b" not in shown


def test_people_see_a_quota_as_a_table() -> None:
    limits = "count=5,bytes=-1=;byteHardLimit=1000;countHardLimit=-1"
    assert for_people(results.Quota("/a", limits, "count=3,bytes=8")).splitlines() == [
        "/a       used   soft limit   hard limit",
        "znodes   3      5",
        "bytes    8                   1,000",
    ]


def test_help_for_people_explains_options() -> None:
    assert "deleteall" in for_people(results.Help([]))
    assert "-R   The whole subtree" in for_people(results.Help(["ls"]))


def test_an_unknown_command_is_met_with_a_suggestion() -> None:
    console = Console(file=io.StringIO(), width=100)
    PeopleReport(console).unknown("stats")
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().strip() == "There is no command stats. Did you mean stat?"


def test_zkcli_shows_null_data_as_the_word_in_every_form() -> None:
    assert [data_text(None, form) for form in (DataForm.TEXT, DataForm.BASE64)] == ["null", "bnVsbA=="]
    assert data_text(b"\xff", DataForm.TEXT) == "\N{REPLACEMENT CHARACTER}"


def test_what_was_created_goes_to_the_error_stream() -> None:
    out, err = io.StringIO(), io.StringIO()
    PlainReport(out, err).show(results.CreatedPath("/a"))
    assert (out.getvalue(), err.getvalue()) == ("", "Created /a\n")
