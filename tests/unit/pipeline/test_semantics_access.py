"""Corner cases of the semantics: access control lists and who one is (32 to 38)."""

import raw_wire as raw
from pipeline_harness import Server
from semantics_support import NOBODY, SUPER, create_err, get_err, new_client, watch


def test_32_invalid_acls() -> None:
    client = new_client()
    for entry in [(31, b"world", b"foo"), (31, b"auth", b""), (31, b"digest", b"a:b:c"), (31, b"ip", b"10.0.0.0/33"),
                  (31, b"sasl", b"bob"), (31, b"super", b"x"), (31, None, b"x"), (31, b"x509", b"CN=a")]:  # fmt: skip
        assert create_err(client, b"/a", entries=[entry]) == -114, entry
        assert create_err(client, b"/a", entries=[*raw.OPEN, entry]) == -114, entry
    assert create_err(client, b"/a", entries=[(31, b"digest", None)]) == -5


def test_33_duplicates() -> None:
    client = new_client()
    entries: list[raw.RawEntry] = [(1, b"world", b"anyone"), (2, b"world", b"anyone"), (1, b"ip", b"1.2.3.4")]
    client.create(b"/a", entries=[*entries, *entries])
    assert client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl() == entries


def test_33_auth_is_replaced_by_who_one_is() -> None:
    client = new_client()
    client.log_in(b"bob:secret")
    client.log_in(b"ann:x")
    client.create(b"/a", entries=[(31, b"auth", b"ignored"), (1, b"world", b"anyone")])
    entries = client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl()
    assert {entry[1:] for entry in entries[:2]} >= {(b"digest", b"bob:fyVmFCwVbTJYrznoSu1koqYEYF0=")}
    assert (len(entries), entries[2]) == (3, (1, b"world", b"anyone"))


def test_33_an_id_beyond_the_bmp_goes_on_meaning_its_owner() -> None:
    """Java loses it in a multi."""
    client = new_client()
    client.log_in("\U0001f600:x".encode())
    mine: list[raw.RawEntry] = [(31, b"auth", b"")]
    client.create(b"/a", entries=mine)
    assert [made.err for made in client.multi((raw.CREATE, raw.create(b"/b", entries=mine)))] == [0]
    assert [get_err(client, path) for path in (b"/a", b"/b")] == [0, 0]
    other = client.server.connect()
    assert [get_err(other, path) for path in (b"/a", b"/b")] == [-102, -102]


def test_34_no_permissions() -> None:
    client = new_client()
    client.create(b"/a", entries=[(0, b"world", b"anyone")])
    assert get_err(client, b"/a") == client.err(raw.GET_CHILDREN, raw.read(b"/a")) == -102
    assert watch(client, raw.EXISTS, b"/a") == -102
    assert (
        client.err(raw.GET_ACL, raw.buffer(b"/a")) == client.err(raw.GET_ALL_CHILDREN_NUMBER, raw.buffer(b"/a")) == -102
    )
    assert client.server.database.watches.idle()
    assert client.err(raw.DELETE, raw.versioned(b"/a")) == 0


def test_35_secrets_are_masked() -> None:
    client = new_client()
    entries: list[raw.RawEntry] = [(1, b"world", b"anyone"), (31, b"digest", b"bob:hash"), (31, b"ip", b"::1")]
    client.create(b"/a", entries=entries)
    shown = client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl()
    assert shown == [entries[0], (31, b"digest", b"bob:x"), entries[2]]


def test_36_admin_only() -> None:
    client = new_client()
    entries: list[raw.RawEntry] = [(16, b"world", b"anyone"), (31, b"digest", b"bob:hash")]
    client.create(b"/a", entries=entries)
    assert client.ok(raw.GET_ACL, raw.buffer(b"/a")).cursor().acl() == entries
    assert get_err(client, b"/a") == -102


def test_37_networks() -> None:
    client = new_client()
    client.create(b"/v4", entries=[(31, b"ip", b"127.0.0.2/30")])
    client.create(b"/v6", entries=[(31, b"ip", b"::/0")])
    assert get_err(client, b"/v4") == 0
    assert get_err(client, b"/v6") == -102
    assert get_err(client.server.connect(address=b"0:0:0:0:0:0:0:1"), b"/v6") == 0


def test_38_super() -> None:
    client = Server(auth=SUPER).connect()
    client.create(b"/a", entries=NOBODY)
    assert get_err(client, b"/a") == -102
    client.log_in(b"super:admin")
    assert client.who_am_i() == {(b"super", b""), (b"digest", b"super"), (b"ip", b"127.0.0.1")}
    assert get_err(client, b"/a") == 0
    assert create_err(client, b"/zookeeper/config/x") == 0
