"""ACL entries of the scheme `digest`."""

import pytest

import zkeeper
from zkeeper.errors import BadArgumentsError


def test_bytes_and_text_are_the_same() -> None:
    ours = zkeeper.digest_acl("ann", "secret")
    assert ours == (31, "digest", "ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=")
    for user in ("ann", b"ann", bytearray(b"ann")):
        for password in ("secret", b"secret", bytearray(b"secret")):
            assert zkeeper.digest_acl(user, password) == ours
    assert zkeeper.digest_acl("ä", b"\xff").id.startswith("ä:")
    assert zkeeper.digest_acl("a", "").id.startswith("a:")


@pytest.mark.parametrize(
    ("user", "message"),
    [("", "the user of a digest is empty"), ("a:b", "'a:b' has a colon"), (b"a:b", "'a:b' has"), (b"\xff", "UTF-8")],
)
def test_a_user_that_nobody_can_prove_to_be(user: bytes | str, message: str) -> None:
    with pytest.raises(BadArgumentsError, match=message):
        zkeeper.digest_acl(user, "secret")


def test_what_is_neither_bytes_nor_text_is_refused_and_not_shown() -> None:
    with pytest.raises(TypeError, match="user is bytes or str, not of the type int"):
        zkeeper.digest_acl(5, "secret")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match="password is bytes or str, not of the type list") as error:
        zkeeper.digest_acl("ann", ["secret"])  # type: ignore[arg-type]  # that is the point
    assert "secret" not in str(error.value)
