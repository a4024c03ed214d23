"""From files, flags and arguments to a configuration: precedence, spellings, refusals, notes."""

import logging
from collections.abc import Mapping

import pytest

from zkeeper.server.config import ConfigError, Loaded, StorageConfig, from_arguments, load
from zkeeper.server.config.values import FOUR_LETTER_WORDS
from zkeeper.server.words.four_letter import KNOWN, TELNET_BREAK

MINIMAL = "dataDir=/data\nclientPort=2181\n"
JAVA_AUTH = "org.apache.zookeeper.server.auth."


def loaded(text: str, defines: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    return load("zoo.cfg", defines or {}, environ or {}, {"zoo.cfg": text.encode("iso-8859-1")}.__getitem__)


def loaded_more(
    text: str, defines: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Loaded:
    return loaded(MINIMAL + text, defines, environ)


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return caught.value


def has_note(found: Loaded, level: int, *parts: str) -> bool:
    return any(note.level == level and all(part in note.text for part in parts) for note in found.notes)


def no_file(path: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", path)


class TestMinimal:
    def test_defaults_are_javas(self) -> None:
        config = loaded(MINIMAL).config
        assert (config.network.client_port, config.network.client_port_address) == (2181, None)
        assert config.storage == StorageConfig(data_dir="/data", data_log_dir="/data")
        sessions = config.sessions
        assert (sessions.tick_time_ms, sessions.session_timeout_min_ms, sessions.session_timeout_max_ms) == (
            3000,
            6000,
            60_000,
        )
        assert config.limits.max_client_cnxns == 60
        assert config.limits.jute_max_buffer_bytes == config.limits.jute_max_buffer_extra_bytes == 1_048_575

    def test_old_data_is_removed_unless_told_otherwise(self) -> None:
        found = loaded(MINIMAL)
        assert found.config.retention.purge_interval_ms == 3_600_000
        assert has_note(found, logging.INFO, "removed every hour", "autopurge.purgeInterval=0")

    def test_retention_can_be_turned_off(self) -> None:
        found = loaded_more("autopurge.purgeInterval=0")
        assert found.config.retention.purge_interval_ms == 0
        assert found.notes == ()

    def test_without_a_file(self) -> None:
        config = load(None, {}, {}, no_file).config
        assert (config.network.client_port, config.network.client_port_address) == (2181, "127.0.0.1")
        assert (config.storage.data_dir, config.sessions.tick_time_ms) == ("./zkeeper-data", 2000)

    def test_options_of_the_command_line_win_over_the_file(self) -> None:
        found = load("z", {}, {}, lambda _: MINIMAL.encode(), {"clientPort": "0"})
        assert found.config.network.client_port == 0
        assert found.config.sources["clientPort"] == "the command line"


class TestValues:
    @pytest.mark.parametrize(
        ("text", "group", "field", "expected"),
        [
            ("tickTime : 2000", "sessions", "tick_time_ms", 2000),
            ("tickTime=\\\n  2000", "sessions", "tick_time_ms", 2000),
            ("tickTime=1\ntickTime=2000", "sessions", "tick_time_ms", 2000),
            ("tickTime=500", "sessions", "session_timeout_max_ms", 10_000),
            ("minSessionTimeout=-1", "sessions", "session_timeout_min_ms", 6000),
            ("dataLogDir=/logs", "storage", "data_log_dir", "/logs"),
            ("snapCount=1", "storage", "snap_count", 2),
            ("forceSync=no", "storage", "is_force_sync", False),
            ("forceSync=false", "storage", "is_force_sync", True),
            ("snapshot.compression.method=gz", "storage", "snapshot_compression", "gz"),
            ("snapshot.compression.method=zip", "storage", "snapshot_compression", "plain"),
            ("digest.enabled=FALSE", "storage", "is_digest_enabled", False),
            ("autopurge.snapRetainCount=1", "retention", "snap_retain_count", 3),
            ("autopurge.purgeInterval=24", "retention", "purge_interval_ms", 86_400_000),
            ("maxClientCnxns=-1", "limits", "max_client_cnxns", 0),
            ("jute.maxbuffer=0x400000", "limits", "jute_max_buffer_extra_bytes", 4_194_304),
            ("jute.maxbuffer.extrasize=5", "limits", "jute_max_buffer_extra_bytes", 1024),
            ("maxCnxns=abc", "limits", "max_cnxns", 0),
            ("skipACL=yes", "auth", "is_acl_skipped", True),
            ("skipACL=true", "auth", "is_acl_skipped", False),
            ("DigestAuthenticationProvider.digestAlg=SHA3-256", "auth", "digest_algorithm", "sha3_256"),
            ("superUser.2=b\nsuperUser=a", "auth", "super_users", ("a", "b")),
            (f"authProvider.1={JAVA_AUTH}SASLAuthenticationProvider", "auth", "providers", ("sasl",)),
            ("admin.enableServer=nonsense", "admin", "is_enabled", True),
            ("admin.enableServer=false", "admin", "is_enabled", False),
            ("ssl.clientAuth=WANT", "tls", "client_auth", "want"),
            ("secureClientPort=0", "tls", "secure_client_port", 0),
            ("connection_throttle_drop_increase=0.5", "connection_throttle", "drop_increase", 0.5),
            ("request_throttle_max_requests=9", "request_throttle", "max_requests", 9),
            ("znode.container.maxPerMinute=60", "nodes", "container_max_per_minute", 60),
            ("audit.enable=true", "audit", "is_enabled", True),
        ],
    )
    def test_key(self, text: str, group: str, field: str, expected: object) -> None:
        assert getattr(getattr(loaded_more(text).config, group), field) == expected

    def test_a_value_that_cannot_be_read_is_said_and_not_shown_as_the_source(self) -> None:
        found = loaded_more("maxCnxns=abc")
        assert has_note(found, logging.WARNING, "zoo.cfg line 3: maxCnxns=abc", "the default is in force")
        assert "maxCnxns" not in found.config.sources

    @pytest.mark.parametrize(
        ("words", "word", "is_allowed"),
        [("", "srvr", True), ("", "ruok", False), ("ruok", "srvr", True), ("a,*", "mntr", True), ("", "isro", False)],
    )
    def test_whitelist(self, words: str, word: str, is_allowed: bool) -> None:
        network = loaded_more(f"4lw.commands.whitelist={words}").config.network
        assert network.allows_word(word) is is_allowed

    def test_read_only_mode_allows_isro(self) -> None:
        assert loaded_more("", {"readonlymode.enabled": "true"}).config.network.allows_word("isro")

    def test_secrets_are_not_printed(self) -> None:
        found = loaded_more("DigestAuthenticationProvider.superDigest=super:hush\nssl.keyStore.password=hush")
        assert found.config.auth.super_digest == "super:hush"
        assert "hush" not in repr(found)


class TestSources:
    """File > -D > JVMFLAGS > SERVER_JVMFLAGS > default."""

    FLAGS = {"JVMFLAGS": "-Xmx1g -Dzookeeper.snapCount=10", "SERVER_JVMFLAGS": "-Dzookeeper.snapCount=20"}
    DEFINES = {"zookeeper.snapCount": "30"}

    @pytest.mark.parametrize(
        ("text", "defines", "environ", "expected", "source"),
        [
            ("", {}, {"JVMFLAGS": FLAGS["JVMFLAGS"]}, 10, "JVMFLAGS"),
            ("", {}, FLAGS, 10, "JVMFLAGS"),
            ("", DEFINES, FLAGS, 30, "-D"),
            ("snapCount=40", DEFINES, FLAGS, 40, "zoo.cfg line 3"),
            ("zookeeper.snapCount=40", {}, FLAGS, 10, "JVMFLAGS"),
            ("zookeeper.snapCount=40", {}, {}, 40, "zoo.cfg line 3"),
            ("snapCount=40\nzookeeper.snapCount=50", {}, {}, 40, "zoo.cfg line 3"),
            ("zookeeper.snapCount=50\nsnapCount=40", {}, {}, 40, "zoo.cfg line 4"),
            ("", {"snapCount": "60"}, {}, 60, "-D"),
            ("", {"snapCount": "60"}, FLAGS, 10, "JVMFLAGS"),
        ],
    )
    def test_precedence(
        self, text: str, defines: Mapping[str, str], environ: Mapping[str, str], expected: int, source: str
    ) -> None:
        config = loaded_more(text, defines, environ).config
        assert (config.storage.snap_count, config.sources["snapCount"]) == (expected, source)

    def test_what_is_overridden_is_said(self) -> None:
        found = loaded_more("snapCount=40", self.DEFINES)
        assert has_note(found, logging.INFO, "zookeeper.snapCount of -D does not count: zoo.cfg line 3")

    @pytest.mark.parametrize(
        ("flags", "expected"),
        [
            ("-Dzookeeper.superUser=a", ("a",)),
            ("  -Xmx1g\t-Dzookeeper.superUser=a", ("a",)),
            ("-Dzookeeper.superUser=o'neil", ("o'neil",)),
            ('-Dzookeeper.superUser="a b"', ('"a',)),
            ("-Dzookeeper.superUser=a -Dzookeeper.superUser=b", ("b",)),
            ("-server -D -verbose:gc", ()),
        ],
    )
    def test_flags_are_split_at_blanks(self, flags: str, expected: tuple[str, ...]) -> None:
        assert loaded_more("", environ={"JVMFLAGS": flags}).config.auth.super_users == expected

    def test_an_unknown_word_on_the_whitelist_is_told(self) -> None:
        assert {word.encode() for word in FOUR_LETTER_WORDS} == KNOWN - {TELNET_BREAK}
        found = loaded_more("4lw.commands.whitelist=ruok, mntrr,stat")
        assert has_note(found, logging.WARNING, "there is no word mntrr; there are conf, cons")
        assert not has_note(loaded_more("4lw.commands.whitelist=ruok,*"), logging.WARNING, "there is no word")

    def test_how_often_to_purge_has_units(self) -> None:
        with pytest.raises(ConfigError) as caught:
            loaded_more("autopurge.purgeInterval=1w")
        assert "7d" in str(caught.value)

    def test_a_misspelt_property_without_a_prefix_is_told(self) -> None:
        found = loaded_more("", {"jute.maxbufer": "5", "java.io.tmpdir": "/tmp", "user.home": "/root"})
        assert has_note(
            found, logging.WARNING, "jute.maxbufer is not known and has no effect; did you mean jute.maxbuffer?"
        )
        assert not has_note(found, logging.WARNING, "tmpdir")
        assert not has_note(found, logging.WARNING, "user.home")

    def test_the_variable_against_autocreation(self) -> None:
        environ = {"ZOO_DATADIR_AUTOCREATE_DISABLE": "1"}
        assert not loaded_more("", environ=environ).config.storage.is_autocreate
        assert loaded_more("datadir.autocreate=true", environ=environ).config.storage.is_autocreate

    def test_keys_of_the_file_have_no_effect_as_defines(self) -> None:
        found = loaded_more("", {"zookeeper.clientPort": "99", "zookeeper.electionAlg": "1"})
        assert found.config.network.client_port == 2181
        assert has_note(found, logging.WARNING, "-Dzookeeper.clientPort has no effect: write clientPort in the file")


class TestSpellings:
    @pytest.mark.parametrize(
        ("text", "level", "part"),
        [
            ("snapCuont=5", logging.WARNING, "did you mean snapCount?"),
            ("clientport=5", logging.WARNING, "did you mean clientPort?"),
            ("zookeeper.snapCnt=5", logging.WARNING, "did you mean snapCount?"),
            ("sever.4=b:1:2", logging.WARNING, "did you mean server.4?"),
            ("purgeInterval.autopurge.x.y.z=5", logging.WARNING, "is not known and has no effect"),
            ("=5", logging.WARNING, "an empty key is not known"),
            ("jute.maxbuffer=5000", logging.WARNING, "Java ignores jute.maxbuffer in the file"),
            ("multiAddress.enabled=true", logging.WARNING, "Java ignores multiAddress.enabled in the file"),
            (
                "java.security.auth.login.config=/jaas",
                logging.WARNING,
                "Java ignores java.security.auth.login.config in the file and takes only -D",
            ),
            ("zookeeper.maxCnxns=5", logging.WARNING, "Java would ignore zookeeper.maxCnxns"),
            ("throttledOpWaitTime=5", logging.WARNING, "zkeeper reads it as throttled_op_wait_time"),
            ("commitProcessor.numWorkerThreads=5", logging.DEBUG, "it tunes the inside of the Java server"),
            ("jvm.pause.monitor=yes", logging.DEBUG, "it tunes the inside of the Java server"),
            ("initLimit=5", logging.DEBUG, "it concerns ensembles"),
            ("sasl.serverconfig=S", logging.INFO, "not served by this version yet"),
            (
                "flushDelay=5",
                logging.INFO,
                "flushDelay has no effect: what comes while one sync of the log is under way",
            ),
            ("maxBatchSize=5", logging.INFO, "maxBatchSize has no effect"),
            ("maxWriteQueuePollTime=5", logging.INFO, "maxWriteQueuePollTime has no effect"),
            ("maxResponseCacheSize=0", logging.INFO, "there is no cache of packed replies"),
            ("request_throttle_stall_time=5", logging.INFO, "there is no queue of requests that wait"),
            ("requestThrottleDropStale=false", logging.INFO, "requestThrottleDropStale has no effect"),
            ("readonlymode.enabled=true", logging.INFO, "only allows the word isro"),
            ("superUser.1=a", logging.WARNING, "SASL is not served"),
            ("allowSaslFailedClients=true", logging.WARNING, "SASL is not served"),
            ("X509AuthenticationProvider.superUser=CN=a", logging.WARNING, "X.509 authentication is not served"),
            ("client.certReload=true", logging.WARNING, "TLS is not served"),
            ("metricsProvider.httpPort=7001", logging.WARNING, "metrics for Prometheus are not served"),
            ("metricsProvider.exportJvmInfo=true", logging.INFO, "not served by this version yet"),
            ("admin.enableServer=true", logging.WARNING, "the admin server is not served"),
            ("admin.serverPort=8081", logging.WARNING, "the admin server is not served"),
            ("snapshot.compression.method=zip", logging.WARNING, "choose one of gz, snappy, nothing at all"),
            ("ssl.keyStore.location=/k", logging.WARNING, "TLS is not served"),
            (f"authProvider.x={JAVA_AUTH}X509AuthenticationProvider", logging.WARNING, "scheme is not served"),
            ("maxClientCnxns=1\nmaxClientCnxns=2", logging.INFO, "maxClientCnxns of zoo.cfg line 3 does not count"),
            ("dataDir=data", logging.WARNING, "write ./data"),
        ],
    )
    def test_note(self, text: str, level: int, part: str) -> None:
        assert has_note(loaded_more(text), level, "zoo.cfg line 3", part)

    @pytest.mark.parametrize(
        ("name", "javas"),
        [
            ("maxCnxns", "zookeeper.maxCnxns"),
            ("multiAddress.enabled", "zookeeper.multiAddress.enabled"),
            ("zookeeper.jute.maxbuffer", "jute.maxbuffer"),
            ("zookeeper.leader.nodelay", "leader.nodelay"),
        ],
    )
    def test_a_property_that_java_would_not_read(self, name: str, javas: str) -> None:
        note = f"Java would ignore -D{name}; zkeeper reads it as {javas}, its name there"
        assert has_note(loaded_more("", {name: "true"}), logging.WARNING, note)
        assert not has_note(loaded_more("", {javas: "true"}), logging.WARNING, "Java would ignore")

    def test_synonyms_have_their_effect(self) -> None:
        assert loaded_more("requestThrottleLimit=7").config.request_throttle.max_requests == 7

    @pytest.mark.parametrize(
        "text", ["admin.enableServer=false\nadmin.serverPort=1", "allowSaslFailedClients=false", "client.certReload=no"]
    )
    def test_no_note_for_what_is_switched_off_and_not_served(self, text: str) -> None:
        assert not any("has no effect" in note.text for note in loaded_more(text).notes)

    def test_one_line_says_that_a_key_has_no_effect(self) -> None:
        for key in ("flushDelay", "ssl.sslProvider", "ssl.quorum.protocol", "superUser", "initLimit"):
            told = [note for note in loaded_more(f"{key}=5").notes if "has no effect" in note.text]
            assert len(told) == 1, key

    @pytest.mark.parametrize("name", ["java.io.tmpdir", "server.port", "foo"])
    def test_foreign_properties_are_quiet(self, name: str) -> None:
        found = loaded_more("", {name: "1"})
        assert has_note(found, logging.DEBUG, f"-D{name} is no property of ZooKeeper's")
        assert not has_note(found, logging.WARNING, name)

    def test_unknown_properties_of_zookeeper_are_not(self) -> None:
        assert has_note(loaded_more("", {"zookeeper.snapCuont": "1"}), logging.WARNING, "did you mean snapCount?")


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "line", "reason"),
        [
            ("tickTime=abc", 3, 'For input string: "abc"'),
            ("tickTime=2000 # x", 3, 'For input string: "2000 # x"'),
            ("syncEnabled=yes", 3, "Invalid option yes for syncEnabled. Choose 'true' or 'false.'"),
            ("peerType=foo", 3, "Unrecognised peertype: foo"),
            ("initLimit=x", 3, 'For input string: "x"'),
            ("electionAlg=1", 3, "only election algorithm 3"),
            ("clientPort=65536", 3, "out of range"),
            ("clientPortAddress=", 3, "empty"),
            ("a=\\u12", 3, "Malformed"),
            (
                "quorum.auth.serverRequireSasl=true",
                3,
                "quorum.auth.enableSasl is disabled, so cannot enable quorum.auth.serverRequireSasl",
            ),
            (
                "quorum.auth.enableSasl=true\nquorum.auth.serverRequireSasl=true",
                4,
                "quorum.auth.learnerRequireSasl is disabled, so cannot enable quorum.auth.serverRequireSasl",
            ),
            ("secureClientPortAddress=h", 3, "secureClientPortAddress is set but secureClientPort is not set"),
            ("secureClientPort=2281", 3, "TLS is not served by this version"),
            ("tickTime=0", 3, "tickTime is not set"),
            ("minSessionTimeout=9\nmaxSessionTimeout=8", 3, "minSessionTimeout must not be larger than maxSession"),
            ("maxSessionTimeout=8", 3, "minSessionTimeout must not be larger than maxSession"),
            ("metricsProvider.className=my.Class", 3, "metrics provider class was not found"),
            ("authProvider.1=my.Class", 3, "no known authentication provider"),
            ("DigestAuthenticationProvider.digestAlg=rot13", 3, "'rot13' is not known"),
            ("enforce.auth.enabled=true", 3, "enforce.auth.schemes names no scheme"),
            (
                "enforce.auth.enabled=true\nenforce.auth.schemes=sasl",
                4,
                "Authentication scheme sasl is not available.",
            ),
            ("sessionRequireClientSASLAuth=true", 3, "Authentication scheme sasl is not available."),
        ],
    )
    def test_refusal(self, text: str, line: int, reason: str) -> None:
        error = refusal(MINIMAL + text)
        assert (error.source, reason in error.reason) == (f"zoo.cfg line {line}", True), error
        assert error.advice

    def test_the_message_has_place_key_value_reason_and_advice(self) -> None:
        expected = 'zoo.cfg line 3: tickTime=abc: For input string: "abc" (write a whole number)'
        assert str(refusal(MINIMAL + "tickTime=abc")) == expected

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("clientPort=2181", "dataDir is not set"),
            ("dataDir=\nclientPort=2181", "dataDir is not set"),
            ("dataDir=/d\nclientPortAddress=h", "clientPortAddress is set but clientPort is not set"),
            ("dataDir=/d", "clientPort is not set, so no client could connect"),
        ],
    )
    def test_what_is_missing(self, text: str, reason: str) -> None:
        error = refusal(text)
        assert error.reason == reason
        assert error.source.startswith("zoo.cfg")

    @pytest.mark.parametrize(
        ("text", "first"),
        [
            ("tickTime=0\nclientPortAddress=h", "dataDir is not set"),
            ("quorum.auth.learnerRequireSasl=true", "quorum.auth.enableSasl is disabled"),
            ("dataDir=/d\ntickTime=0\nclientPortAddress=h", "clientPortAddress is set"),
            (MINIMAL + "minSessionTimeout=9\nmaxSessionTimeout=8\ntickTime=0", "tickTime is not set"),
            (MINIMAL + "server.1=x\nminSessionTimeout=9\nmaxSessionTimeout=8", "minSessionTimeout must not"),
            (MINIMAL + "tickTime=0\nclientPort=x", "For input string"),
        ],
    )
    def test_the_order_is_javas(self, text: str, first: str) -> None:
        assert refusal(text).reason.startswith(first)

    def test_a_missing_file(self) -> None:
        with pytest.raises(ConfigError, match=r"conf/zoo\.cfg file is missing"):
            load("conf/zoo.cfg", {}, {}, no_file)

    def test_a_file_that_cannot_be_read(self) -> None:
        def read(path: str) -> bytes:
            raise PermissionError(13, "Permission denied", path)

        with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
            load("zoo.cfg", {}, {}, read)

    def test_a_secret_is_not_in_the_message(self) -> None:
        with pytest.raises(ConfigError) as caught:
            raise ConfigError("no", "yes", key="ssl.keyStore.password", value="hush")
        assert "hush" not in str(caught.value)


class TestLoneServers:
    A, C = "server.1=a:2888:3888\n", "server.3=c:2888:3888:observer\n"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("group.1=1:2", "group.1 names server 1, which is no participant"),
            (A + "dynamicConfigFile=/d", "parameter: server.1 must be in a separate dynamic config file"),
            ("standaloneEnabled=false", "standaloneEnabled = false then number of participants should be >0"),
            (C, "Observers w/o participants is an invalid configuration"),
            (A + C, "Observers w/o quorum is an invalid configuration"),
            (C + "standaloneEnabled=false", "standaloneEnabled = false then number of participants should be >0"),
            ("server.1=a:2888:2888", "Client and election port must be different!"),
            ("server.1=a:2888", "a:2888 does not have the form"),
            ("server.1=a:1:2;b:3:4", "a:1:2;b:3:4 does not have the form"),
            ("server.1=a:1:2;3;4;5", "a:1:2;3;4;5 does not have the form"),
            ("server.1=[::1:1:2", "[::1:1:2 does not have the form"),
            ("server.1=a:x:2", "Address unresolved: a:x"),
            ("server.1=a:1:2:boss", "Unrecognised peertype: boss"),
            ("server.one=a:1:2", 'For input string: "one"'),
            ("server.1=a:1:2:participant|b:1:2:observer", "Multiple addresses should have similar roles"),
            ("server.1=a:1:2|b:1:2", "Multiple address feature is disabled, but multiple addresses were specified"),
            ("server.1=a:1:2;h:2182", "client address for this server (id = 1) in static config file is 0.0.0.0:2181"),
        ],
    )
    def test_refusal(self, text: str, reason: str) -> None:
        error = refusal(MINIMAL + text)
        assert error.reason.startswith(reason)
        assert error.source.startswith("zoo.cfg line")

    @pytest.mark.parametrize("line", [A, "server.1=[::1]:1:2:Participant;[::1]:2181", "server.1=a:1:2;2181;2281"])
    def test_a_lone_server_stands_alone(self, line: str) -> None:
        found = loaded_more(line)
        assert found.config.network.client_port == 2181
        assert has_note(found, logging.WARNING, "only one server is specified, so it runs standalone")

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("server.1=localhost:2888:3888;2199", (2199, None)),
            ("server.1=localhost:2888:3888;127.0.0.1:2199", (2199, "127.0.0.1")),
            ("server.1=localhost:2888:3888;[::1]:2199", (2199, "0:0:0:0:0:0:0:1")),
            ("clientPort=2199\nserver.1=localhost:2888:3888;127.0.0.1:2199", (2199, None)),
        ],
    )
    def test_a_lone_server_brings_its_client_address(self, line: str, expected: tuple[int, str | None]) -> None:
        config = loaded(f"dataDir=/d\n{line}").config
        assert (config.network.client_port, config.network.client_port_address) == expected
        assert config.sources["clientPort"] == "zoo.cfg line 2"
        assert config.quorum is None


class TestArguments:
    def test_two(self) -> None:
        config = from_arguments(["2182", "/data"], {}, {}).config
        assert (config.network.client_port, config.network.client_port_address) == (2182, None)
        assert (config.storage.data_dir, config.sessions.tick_time_ms) == ("/data", 3000)
        assert config.limits.max_client_cnxns == 0

    def test_four(self) -> None:
        config = from_arguments(["0", "/data", "500", "7"], {"zookeeper.snapCount": "9"}, {}).config
        assert (config.network.client_port, config.sessions.tick_time_ms) == (0, 500)
        assert (config.limits.max_client_cnxns, config.storage.snap_count) == (7, 9)

    @pytest.mark.parametrize("arguments", [[], ["1"], ["1", "2", "3", "4", "5"]])
    def test_another_number_is_refused(self, arguments: list[str]) -> None:
        with pytest.raises(ConfigError, match="write port dataDir"):
            from_arguments(arguments, {}, {})

    def test_a_mistake_names_the_argument(self) -> None:
        with pytest.raises(ConfigError, match='argument 1: clientPort=x: For input string: "x"'):
            from_arguments(["x", "/data"], {}, {})
