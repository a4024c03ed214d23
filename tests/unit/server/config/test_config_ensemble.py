"""Configurations of ensembles: who the members are, which one this is, and each of Java's refusals."""

import logging
from collections.abc import Mapping

import pytest

from zkeeper.quorum.membership import ClientAddress, Membership
from zkeeper.server.config import ConfigError, Loaded, QuorumConfig, load

BASE = "dataDir=/data\nclientPort=2181\ntickTime=2000\ninitLimit=10\nsyncLimit=5\n"
A, B, C = "server.1=a:2888:3888\n", "server.2=b:2888:3888\n", "server.3=c:2888:3888:observer\n"
DYNAMIC = "dynamicConfigFile=/conf/zoo.cfg.dynamic.10F\n"
MYID = {"/data/myid": "1\n"}


def loaded(
    text: str, files: Mapping[str, str] = MYID, defines: Mapping[str, str] | None = None, path: str = "/conf/zoo.cfg"
) -> Loaded:
    there = {**files, path: text}

    def read(name: str) -> bytes:
        if name not in there:
            raise FileNotFoundError(2, "No such file or directory", name)
        return there[name].encode("iso-8859-1")

    return load(path, defines or {}, {}, read)


def member(text: str, files: Mapping[str, str] = MYID, defines: Mapping[str, str] | None = None) -> QuorumConfig:
    quorum = loaded(text, files, defines).config.quorum
    assert quorum is not None
    return quorum


def refusal(text: str, files: Mapping[str, str] = MYID) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loaded(text, files)
    assert caught.value.advice
    return caught.value


def has_note(found: Loaded, level: int, *parts: str) -> bool:
    return any(note.level == level and all(part in note.text for part in parts) for note in found.notes)


def test_a_member() -> None:
    quorum = member(BASE + A + B + C)
    assert (quorum.my_sid, quorum.me.text()) == (1, "a:2888:3888:participant")
    assert quorum.committed == quorum.last_seen == Membership.parse(A + B + C)
    assert quorum.static_file == "/conf/zoo.cfg"
    assert (quorum.init_limit_ms, quorum.sync_limit_ms, quorum.connect_limit_ms) == (20_000, 10_000, 20_000)
    assert (quorum.handshake_timeout_ms, quorum.least_participants) == (10_000, 2)


@pytest.mark.parametrize(
    ("text", "group", "field", "expected"),
    [
        ("connectToLearnerMasterLimit=3", "ensemble", "connect_limit_ticks", 3),
        ("connectToLearnerMasterLimit=-3", "ensemble", "connect_limit_ticks", 10),
        ("quorumListenOnAllIPs=true", "ensemble", "is_listening_on_all_ips", True),
        ("leaderServes=no", "ensemble", "is_leader_serving", False),
        ("cnxTimeout=7", "election", "connect_timeout_ms", 7),
        ("electionPortBindRetry=0", "election", "count_bind_tries", 0),
        ("fastleader.maxNotificationInterval=0x10", "election", "max_notification_interval_ms", 16),
        ("leader.maxTimeToWaitForEpoch=5", "learners", "max_wait_for_epoch_ms", 5),
        ("maxConcurrentDiffSyncs=5", "learners", "max_diff_syncs", 5),
        ("commitLogCount=5", "learners", "max_committed_txns", 500),
        ("snapshotSizeFactor=-1", "learners", "snapshot_size_factor", -1.0),
        ("snapshotSizeFactor=1.5", "learners", "snapshot_size_factor", 0.33),
        ("syncEnabled=false", "learners", "is_observer_sync_enabled", False),
        ("syncEnabled=false\nobserver.syncEnabled=true", "learners", "is_observer_sync_enabled", True),
        ("observer.syncEnabled=false", "learners", "is_observer_sync_enabled", False),
    ],
)
def test_key(text: str, group: str, field: str, expected: object) -> None:
    quorum = member(BASE + A + B + text)
    assert getattr(getattr(quorum, group), field) == expected


@pytest.mark.parametrize(("given", "expected_ms"), [("quorumCnxnTimeoutMs=70", 70), ("quorumCnxnTimeoutMs=0", 10_000)])
def test_the_timeout_of_the_handshake(given: str, expected_ms: int) -> None:
    assert member(BASE + A + B + given).handshake_timeout_ms == expected_ms


def test_an_ensemble_of_one() -> None:
    quorum = member(BASE + A + "standaloneEnabled=false")
    assert (quorum.committed.participants, quorum.least_participants) == ({1}, 1)
    assert member(BASE + A + C + "standaloneEnabled=false").committed.observers == {3}


def test_a_hierarchy() -> None:
    quorum = member(BASE + A + B + "group.1=1:2\nweight.2=0")
    assert quorum.committed.is_hierarchical
    assert quorum.committed.verifier.weight(2) == 0


class TestClientAddress:
    @pytest.mark.parametrize(
        ("static", "client", "expected"),
        [
            ("clientPort=2181", "", (2181, None)),
            ("clientPort=2181", ";2181", (2181, None)),
            ("clientPort=2181", ";10.0.0.1:2181", (2181, "10.0.0.1")),
            ("clientPort=2181\nclientPortAddress=::", ";10.0.0.1:2181", (2181, "10.0.0.1")),
            ("clientPort=2181\nclientPortAddress=[::1]", ";[::1]:2181", (2181, "0:0:0:0:0:0:0:1")),
            ("", ";2199", (2199, None)),
        ],
    )
    def test_the_own_line_counts(self, static: str, client: str, expected: tuple[int, str | None]) -> None:
        base = BASE.replace("clientPort=2181", static)
        config = loaded(f"{base}{B}server.1=a:2888:3888{client}").config
        assert (config.network.client_port, config.network.client_port_address) == expected

    @pytest.mark.parametrize("static", ["clientPort=2182", "clientPort=2181\nclientPortAddress=10.0.0.2"])
    def test_the_two_have_to_agree(self, static: str) -> None:
        base = BASE.replace("clientPort=2181", static)
        error = refusal(f"{base}{B}server.1=a:2888:3888;10.0.0.1:2181")
        assert error.reason.startswith("client address for this server (id = 1) in static config file is ")
        assert error.reason.endswith(" is different from client address found in dynamic file: 10.0.0.1:2181")

    def test_other_lines_have_no_say(self) -> None:
        assert loaded(BASE + A + "server.2=b:2888:3888;99").config.network.client_port == 2181

    def test_there_has_to_be_one(self) -> None:
        assert refusal(BASE.replace("clientPort=2181\n", "") + A + B).reason.startswith("clientPort is not set")


class TestDynamicFile:
    FILES = {**MYID, "/conf/zoo.cfg.dynamic.10F": "server.1=a:2888:3888;2181\nserver.2=b:2888:3888"}

    def test_it_lists_the_members(self) -> None:
        quorum = member(BASE + DYNAMIC, self.FILES)
        assert quorum.committed.version == 0x10F
        assert quorum.me.client == ClientAddress("0.0.0.0", 2181)
        assert quorum.last_seen is quorum.committed

    @pytest.mark.parametrize(
        ("name", "version"), [("zoo.cfg.dynamic", 0), ("zoo.d", 13), ("dynamic", 0), ("zoo.cfg.dynamic.-1", 0)]
    )
    def test_its_name_has_the_version(self, name: str, version: int) -> None:
        quorum = member(f"{BASE}dynamicConfigFile={name}", {**MYID, name: A + B})
        assert quorum.committed.version == version

    def test_what_was_proposed_is_the_last_seen(self) -> None:
        files = {**self.FILES, "/conf/zoo.cfg.dynamic.next": A + "server.9=i:1:2\nversion=110"}
        quorum = member(BASE + DYNAMIC, files)
        assert (quorum.last_seen.version, quorum.last_seen.participants) == (0x110, {1, 9})
        assert quorum.committed.participants == {1, 2}

    @pytest.mark.parametrize("version", ["10f", "1"])
    def test_a_proposal_that_is_not_newer_is_passed_over(self, version: str) -> None:
        files = {**self.FILES, "/conf/zoo.cfg.dynamic.next": f"{A}version={version}"}
        quorum = member(BASE + DYNAMIC, files)
        assert quorum.last_seen is quorum.committed

    def test_without_a_dynamic_file_nothing_was_proposed(self) -> None:
        quorum = member(BASE + A + B, {**MYID, "/conf/zoo.cfg.dynamic.next": f"{A}version=110"})
        assert quorum.last_seen is quorum.committed

    def test_a_lone_server_in_it_stands_alone(self) -> None:
        base = BASE.replace("clientPort=2181\n", "")
        config = loaded(base + DYNAMIC, {"/conf/zoo.cfg.dynamic.10F": "server.1=a:1:2;2199"}).config
        assert (config.quorum, config.network.client_port) == (None, 2199)

    @pytest.mark.parametrize(
        ("text", "source", "reason"),
        [
            (A + "foo=1", "/conf/zoo.cfg.dynamic.10F line 2", "Unrecognised parameter: foo"),
            (A + B + "version=1", "/conf/zoo.cfg.dynamic.10F line 3", "dynamic file shouldn't have version inside"),
            (A + "server.2=b:1", "/conf/zoo.cfg.dynamic.10F line 2", "b:1 does not have the form"),
            (A + "x=\\u1", "/conf/zoo.cfg.dynamic.10F line 2", "Malformed \\uxxxx encoding."),
            (A + B + "weight.1=1", "/conf/zoo.cfg.dynamic.10F line 1", "server.1 votes, and is in no group"),
            ("server.1=a:1:2|b:1:2\n" + B, "/conf/zoo.cfg.dynamic.10F line 1", "Multiple address feature is disabled"),
        ],
    )
    def test_a_wrong_one(self, text: str, source: str, reason: str) -> None:
        error = refusal(BASE + DYNAMIC, {**MYID, "/conf/zoo.cfg.dynamic.10F": text})
        assert (error.source, error.reason.startswith(reason)) == (source, True), error

    def test_a_missing_one(self) -> None:
        error = refusal(BASE + DYNAMIC)
        assert error.reason == "Error processing /conf/zoo.cfg.dynamic.10F: No such file or directory"

    @pytest.mark.parametrize("line", [A, "group.1=1", "weight.1=1"])
    def test_members_are_in_one_file_only(self, line: str) -> None:
        reason = f"parameter: {line.partition('=')[0]} must be in a separate dynamic config file"
        assert refusal(BASE + DYNAMIC + line, self.FILES).reason == reason

    def test_a_proposal_that_cannot_be_read_is_not_passed_over(self) -> None:
        files = {**self.FILES, "/conf/zoo.cfg.dynamic.next": "server.1=a"}
        assert refusal(BASE + DYNAMIC, files).source == "/conf/zoo.cfg.dynamic.next line 1"


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "files", "reason"),
        [
            (BASE.replace("initLimit=10\n", "") + A + B, MYID, "initLimit is not set"),
            (BASE.replace("initLimit=10", "initLimit=0") + A + B, MYID, "initLimit is not set"),
            (BASE.replace("syncLimit=5\n", "") + A + B, MYID, "syncLimit is not set"),
            (BASE + A + B, {}, "myid file is missing"),
            (BASE + A + B, {"/data/myid": "abc\n"}, "serverid abc is not a number"),
            (BASE + A + B, {"/data/myid": " 1\n"}, "serverid  1 is not a number"),
            (BASE + A + B, {"/data/myid": ""}, "serverid  is not a number"),
            (BASE + A + B, {"/data/myid": "9"}, "My id 9 not in the peer list"),
            (BASE + A + B + "sslQuorum=true", MYID, "TLS between servers is not served by this version"),
            (BASE + A + B + "db.autocreate=false", MYID, "keeping a member with an empty database from voting is not"),
            (
                BASE + A + B + "quorum.auth.enableSasl=true\nquorum.auth.learnerRequireSasl=true",
                MYID,
                "SASL between servers is not served by this version",
            ),
            (BASE + A + "server.01=b:1:2\n" + B, MYID, "server.1 is given twice"),
            (
                BASE + A + B + "group.1=1:2\nweight.1=0\nweight.2=0",
                MYID,
                "no server of any group has a weight, so that no",
            ),
            (BASE + B + "server.1=a:2888:2181", MYID, "the election port of this server is its client port, 2181"),
            (BASE + B + "server.1=a:2888:9;9", MYID, "client address for this server"),
            (
                BASE + A + "server.300=b:1:2\nextendedTypesEnabled=true",
                {"/data/myid": "300"},
                "extendedTypesEnabled is true but Server ID is too large. Cannot be larger than 254",
            ),
        ],
    )
    def test_refusal(self, text: str, files: Mapping[str, str], reason: str) -> None:
        assert refusal(text, files).reason.startswith(reason)

    @pytest.mark.parametrize(
        ("text", "files", "first"),
        [
            ("dataDir=/data\nclientPort=2181\n" + A + B, {}, "initLimit is not set"),
            ("dataDir=/data\nclientPort=2181\ninitLimit=1\n" + A + B, {}, "syncLimit is not set"),
            ("dataDir=/data\nclientPort=2181\n" + A + B, {"/data/myid": "x"}, "serverid x is not a number"),
            ("dataDir=/data\nclientPort=9\n" + A + "server.2=b:1:2;8", {"/data/myid": "2"}, "client address for this"),
            (BASE + C + "standaloneEnabled=false", {}, "standaloneEnabled = false then number of"),
        ],
    )
    def test_the_order_is_javas(self, text: str, files: Mapping[str, str], first: str) -> None:
        assert refusal(text, files).reason.startswith(first)

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (PermissionError(13, "Permission denied"), "/data/myid cannot be read: Permission denied"),
            (NotADirectoryError(20, "Not a directory"), "/data/myid cannot be read: a file is where a folder"),
        ],
    )
    def test_a_myid_that_cannot_be_read(self, error: OSError, told: str) -> None:
        def read(path: str) -> bytes:
            if path == "zoo.cfg":
                return (BASE + A + B).encode()
            raise error

        with pytest.raises(ConfigError, match=told):
            load("zoo.cfg", {}, {}, read)

    def test_a_standalone_server_reads_no_other_file(self) -> None:
        def read(path: str) -> bytes:
            assert path == "zoo.cfg"
            return (BASE + A).encode()

        assert load("zoo.cfg", {}, {}, read).config.quorum is None


class TestNotes:
    @pytest.mark.parametrize(
        ("text", "level", "part"),
        [
            ("", logging.WARNING, "No server failure will be tolerated. You need at least 3 servers."),
            ("server.4=d:1:2\nserver.5=e:1:2", logging.WARNING, "consider an odd number of servers."),
            ("peerType=observer", logging.WARNING, "Peer type from servers list (PARTICIPANT) doesn't match peerType"),
            ("portUnification=true", logging.WARNING, "portUnification has no effect: TLS between servers is not"),
            ("quorum.auth.enableSasl=true", logging.WARNING, "has no effect: SASL between servers is not served"),
            (
                "multiAddress.reachabilityCheckTimeoutMs=5",
                logging.WARNING,
                "a check of addresses by ICMP is not served",
            ),
            ("ssl.quorum.protocol=x", logging.DEBUG, "has no effect: TLS between servers is not served"),
            ("learner.asyncSending=true", logging.DEBUG, "it tunes the inside of the Java server"),
            ("enableEagerACLCheck=true", logging.INFO, "the leader checks what is forwarded to it"),
            ("readonlymode.enabled=true", logging.WARNING, "serves nobody without localSessionsEnabled=true"),
        ],
    )
    def test_note(self, text: str, level: int, part: str) -> None:
        assert has_note(loaded(BASE + A + B + text), level, "/conf/zoo.cfg line", part)

    @pytest.mark.parametrize(
        "text", ["oraclePath=/o", "portUnification=false", "observerMasterPort=5", "initLimit=7", "cnxTimeout=7"]
    )
    def test_no_note_for_what_is_served_or_switched_off(self, text: str) -> None:
        assert not any("has no effect" in note.text for note in loaded(BASE + A + B + text).notes)

    def test_no_note_for_read_only_service_with_local_sessions(self) -> None:
        found = loaded(BASE + A + B + "localSessionsEnabled=true", defines={"readonlymode.enabled": "true"})
        assert found.config.network.is_read_only_enabled
        assert not any("readonlymode" in note.text for note in found.notes)

    def test_three_servers_are_fine(self) -> None:
        found = loaded(BASE + A + B + "server.3=c:1:2")
        assert not [note for note in found.notes if note.level >= logging.WARNING]

    @pytest.mark.parametrize("sid", [-7, 0, 256, 300])
    def test_a_number_that_does_not_fit_into_session_ids(self, sid: int) -> None:
        for own in (1, sid):
            found = loaded(BASE + A + f"server.{sid}=b:1:2", {"/data/myid": f"{own}"})
            assert has_note(
                found, logging.WARNING, f"/conf/zoo.cfg line 7: the number {sid} does not fit into session ids"
            )

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ("server.3=b:2888:3888", "line 8: server.2 and server.3 both have b:2888, b:3888; give each server"),
            ("server.3=b:2888:3889", "line 8: server.2 and server.3 both have b:2888; give each"),
            ("server.3=b:2889:3888", "line 8: server.2 and server.3 both have b:3888; give each"),
            ("server.3=b:3888:4888", "line 8: server.2 and server.3 both have b:3888; give each"),
            ("server.3=c:2888:3888\nserver.1=a:2888:3888", "line 6 does not count: /conf/zoo.cfg line 9 sets it too"),
            ("group.1=1:2\nweight.9=3", "line 9: weight.9 has no effect, as there is no server.9; remove it"),
            (C + "group.1=1:2\nweight.3=3", "line 10: weight.3 has no effect, as server 3 is an observer; remove it"),
            ("group.1=1:2\nweight.1=3\nweight.1=1", "weight.1 of /conf/zoo.cfg line 9 does not count"),
        ],
    )
    def test_what_can_hardly_be_meant(self, lines: str, expected: str) -> None:
        assert has_note(loaded(BASE + A + B + lines), logging.WARNING, expected)

    def test_two_lines_of_a_dynamic_file_for_one_server(self) -> None:
        found = loaded(BASE + DYNAMIC, {**MYID, "/conf/zoo.cfg.dynamic.10F": A + B + "server.1=c:2888:3888"})
        text = "server.1 of /conf/zoo.cfg.dynamic.10F line 1 does not count: /conf/zoo.cfg.dynamic.10F line 3 sets it"
        assert has_note(found, logging.WARNING, text)
        assert found.config.quorum is not None
        assert found.config.quorum.me.addresses[0].host == "c"

    @pytest.mark.parametrize(
        ("line", "more", "is_taken"),
        [
            ("server.1=a:2181:3888", "", True),
            ("server.1=a:2181:3888", "clientPortAddress=a", True),
            ("server.1=0.0.0.0:2181:3888", "clientPortAddress=10.0.0.1", True),
            ("server.1=a:2181:3888", "clientPortAddress=b", False),
            ("server.1=a:2181:3888", "clientPortAddress=b\nquorumListenOnAllIPs=true", True),
            ("server.1=a:2182:3888", "", False),
        ],
    )
    def test_a_quorum_port_that_is_the_client_port(self, line: str, more: str, is_taken: bool) -> None:
        text = (
            "/conf/zoo.cfg line 7: the quorum port of this server is its client port, 2181: it can never lead; choose"
        )
        assert has_note(loaded(f"{BASE}{B}{line}\n{more}"), logging.WARNING, text) == is_taken


class TestSeveralAddresses:
    LINES = "server.1=a:1:2|a2:1:2\nserver.2=b:1:2\n"

    @pytest.mark.parametrize(
        ("text", "defines"),
        [("multiAddress.enabled=true", {}), ("", {"zookeeper.multiAddress.enabled": "true"})],
    )
    def test_the_file_or_a_property_enables_them(self, text: str, defines: Mapping[str, str]) -> None:
        assert len(member(BASE + self.LINES + text, defines=defines).me.addresses) == 2

    def test_they_have_to_be_enabled(self) -> None:
        assert refusal(BASE + self.LINES).reason.startswith("Multiple address feature is disabled")
