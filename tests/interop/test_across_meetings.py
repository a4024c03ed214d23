"""Barriers, counters, groups and services that are shared by programs of several languages, each a process."""

from typing import Any

import pytest

from .clients.harness import wait_for
from .stage import Scene, results

COUNTS = 40
DISCOVERERS = [("ours", "curator"), ("curator", "ours")]


@pytest.mark.parametrize("cast", [("ours", "curator") * 2, ("kazoo", "ours") * 2, ("curator", "kazoo", "ours")])
def test_a_double_barrier_is_entered_and_left_together(scene: Scene, cast: tuple[str, ...]) -> None:
    *members, last = [scene.actor(language, "barrier", "barrier", limit=len(cast)) for language in cast]
    entering = [scene.queue(member, "barrier", "enter") for member in members]
    assert not [order for order in entering if order.done()]
    assert results([last.ask("enter"), *entering]) == [True] * len(cast)
    leaving = {member: member.ask("leave") for member in members}
    # All who leave delete themselves, except the one whose name is the lowest.
    wait_for(lambda: len(set(scene.children("barrier")) - {"ready"}) <= 2, "the others to be on their way out")
    # Curator's member with the highest name watches itself go, and then leaves though one other is still there.
    assert not [member for member, order in leaving.items() if order.done() and member.player.language != "curator"]
    assert results([last.ask("leave"), *leaving.values()]) == [True] * len(cast)
    assert scene.children("barrier") == []


@pytest.mark.parametrize(
    ("cast", "recipe", "layout"),
    [
        (("curator", "kazoo", "ours"), "count", "curator"),
        (("curator", "ours"), "long", "curator"),
        (("kazoo", "ours"), "count", "kazoo"),
    ],
    ids=["shared-count", "atomic-long", "kazoo-counter"],
)
def test_counters_add_up(scene: Scene, cast: tuple[str, ...], recipe: str, layout: str) -> None:
    counters = [scene.actor(language, recipe, "number", layout=layout) for language in cast * 2]
    results([counter.ask("count", COUNTS) for counter in counters])
    for counter in counters:
        wait_for(lambda each=counter: each.tell("value") == COUNTS * len(counters), "the sum of all")


def test_members_of_a_group_with_their_data(scene: Scene) -> None:
    ours, theirs = scene.actor("ours", "group", "group"), scene.actor("curator", "group", "group")
    everybody = {"ours-1": "data of ours-1", "curator-2": "data of curator-2"}
    for member, known in ((ours, {"ours-1": everybody["ours-1"]}), (theirs, everybody)):
        member.tell("join")
        wait_for(lambda expected=known: ours.tell("members") == expected, "who has joined")
    wait_for(lambda: theirs.tell("members") == everybody, "everybody, as Curator sees it")
    ours.tell("set_data", "changed")
    theirs.tell("set_data", "changed too")
    changed = {"ours-1": "changed", "curator-2": "changed too"}
    for member in (ours, theirs):
        wait_for(lambda each=member: each.tell("members") == changed, "the data that were changed")
    ours.tell("leave")
    wait_for(lambda: theirs.tell("members") == {"curator-2": "changed too"}, "the one that stayed")


@pytest.mark.parametrize("recipe", ["group", "shallow-group"])
def test_members_of_a_party(scene: Scene, recipe: str) -> None:
    ours, theirs = [scene.actor(each, recipe, "party", layout="kazoo") for each in ("ours", "kazoo")]
    for member in (ours, theirs):
        member.tell("join")
    assert ours.tell("members") == theirs.tell("members") == {"ours-1": "", "kazoo-2": ""}
    ours.tell("leave")
    assert ours.tell("members") == theirs.tell("members") == {"kazoo-2": ""}
    theirs.tell("leave")
    assert ours.tell("members") == {}


@pytest.mark.parametrize(("first", "second"), DISCOVERERS)
def test_a_znode_that_stays_is_taken_over(scene: Scene, first: str, second: str) -> None:
    # Whose it is the data do not tell: Curator sets its own on a znode that it finds.
    one, two = scene.actor(first, "node", "node"), scene.actor(second, "node", "node")
    one.tell("start")
    wait_for(lambda: scene.owner("node"), "the znode")
    of_one = scene.owner("node")
    two.tell("start")
    scene.referee.delete(scene.path("node"))
    wait_for(lambda: scene.owner("node"), "the znode's return, no matter whose")
    owner = scene.owner("node")
    leaving, staying = (one, two) if owner == of_one else (two, one)
    leaving.tell("close")
    wait_for(lambda: scene.owner("node") not in (0, owner), "the other's znode")
    staying.tell("close")
    assert not scene.exists("node")


FULL: dict[str, Any] = {
    "name": "shop", "id": "s-1", "address": "10.0.0.1", "port": 8080, "ssl_port": 8443,
    "registered_at_ms": 1_700_000_000_123,
    "type": "DYNAMIC", "uri_spec": "{scheme}://{address}:{ssl-port}/{name}/{id}?at={registration-time-utc}#{[}x{]}",
    "enabled": False, "payload": {"@class": "java.util.LinkedHashMap", "zone": "grün", "weight": 3, "tags": ["a", "b"]},
}  # fmt: skip
PLAIN = {**FULL, "id": "s-2", "ssl_port": None, "type": "STATIC", "enabled": True, "payload": "text",
         "uri_spec": "{scheme}://{address}:{port}/"}  # fmt: skip
BARE = {**PLAIN, "id": "s-3", "port": None, "type": "PERMANENT", "payload": None, "uri_spec": None}
URIS = {
    "s-1": "https://10.0.0.1:8443/shop/s-1?at=1700000000123#{x}",
    "s-2": "http://10.0.0.1:8080/",
    "s-3": "",
}


def found(fields: dict[str, Any], serving: str) -> dict[str, Any]:
    """What is to be found of an instance that was registered. For Java the class of a payload is not in it; Curator's
    serializer leaves out, unless told otherwise, that an instance is not enabled."""
    payload = fields["payload"]
    if isinstance(payload, dict):
        payload = {name: value for name, value in payload.items() if name != "@class"}
    rest = {name: value for name, value in fields.items() if name != "uri_spec"}
    if serving == "curator":
        rest["enabled"] = True
    return {**rest, "payload": payload, "uri": URIS[fields["id"]]}


@pytest.mark.parametrize(("serving", "asking"), DISCOVERERS)
def test_services_are_found_with_all_fields(scene: Scene, serving: str, asking: str) -> None:
    server, client = [scene.actor(language, "discovery", "services") for language in (serving, asking)]
    for fields in (FULL, PLAIN, BARE):
        server.tell("register", fields)
    assert client.tell("names") == ["shop"]
    assert client.tell("ids", "shop") == ["s-1", "s-2", "s-3"]
    for fields in (FULL, PLAIN, BARE):
        assert found({**client.tell("find", "shop", fields["id"]), "uri_spec": None}, serving) == found(fields, serving)
    server.tell("update", {**FULL, "port": 9090, "payload": 7})
    wait_for(lambda: client.tell("find", "shop", "s-1")["port"] == 9090, "the new port")
    assert client.tell("find", "shop", "s-1")["payload"] == 7
    for fields in (FULL, PLAIN):
        server.tell("unregister", fields)
    assert client.tell("ids", "shop") == ["s-3"]
    assert client.tell("find", "shop", "s-1") is None
