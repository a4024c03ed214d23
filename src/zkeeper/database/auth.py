"""Who a connection is, and what an ACL lets it do (semantics, section 9).

1. Credentials are a set on the connection; entries of an ACL are alternatives and nothing denies.
2. A scheme that no provider here knows never authenticates anybody and is refused in ACLs: authorisation fails closed.
"""

import base64
import hashlib
import re
from typing import Final, final

from mypy_extensions import i64

from zkeeper.database.acls import IP, AclList, Identity
from zkeeper.errors import InvalidAclError, MarshallingError
from zkeeper.wire.acl import OPEN_ACL, RAW_OPEN_ACL, Acl, RawAcl
from zkeeper.wire.addresses import parse_network
from zkeeper.wire.jute import java_string, java_text

SUPER: Final = b"super"
DIGEST: Final = b"digest"
SASL: Final = b"sasl"
_KERBEROS_NAME: Final = re.compile(rb"[^@/]+(/[^@/]*)?(@[^@/]*)?|[^@]*")


@final
class AuthRules:
    """The providers in force. `super_digest` is `super:<base64>` or empty; `digest_algorithm` is hashlib's name."""

    def __init__(
        self, super_digest: bytes = b"", digest_enabled: bool = True, digest_algorithm: str = "sha1",
        skip_acl: bool = False, sasl_in_acls: bool = False, any_sasl_user: bytes = b"",
    ) -> None:  # fmt: skip
        self.super_digest = super_digest
        self.digest_enabled = digest_enabled
        self.digest_algorithm = digest_algorithm
        self.skip_acl = skip_acl
        self.sasl_in_acls = sasl_in_acls
        self.any_sasl_user = any_sasl_user

    def authenticate(self, scheme: bytes | None, auth: bytes | None, address: bytes) -> list[Identity] | None:
        """What an auth packet earns; None when it fails."""
        if scheme == DIGEST and self.digest_enabled and auth is not None:
            return self._digest_identities(auth)
        if scheme == IP:
            return [(IP, address)]
        return None

    def _digest_identities(self, auth: bytes) -> list[Identity]:
        identity = self.digest_identity(auth)
        if self.super_digest and identity == self.super_digest:
            return [(SUPER, b""), (DIGEST, identity)]
        return [(DIGEST, identity)]

    def digest_identity(self, auth: bytes) -> bytes:
        """`user:base64(hash(user:password))` of `user:password`."""
        hashed = hashlib.new(self.digest_algorithm, java_text(auth).encode(), usedforsecurity=False).digest()
        return java_string(auth.split(b":", 1)[0]) + b":" + base64.b64encode(hashed)

    def allows(self, acl: AclList, needed: i64, credentials: list[Identity]) -> bool:
        """Whether one of `needed` permissions is granted."""
        if acl.world_permissions & needed or self.skip_acl:
            return True
        return any(identity[0] == SUPER or self._granted_to(acl, identity) & needed for identity in credentials)

    def _granted_to(self, acl: AclList, identity: Identity) -> i64:
        scheme, name = identity
        if scheme == IP:
            return acl.granted_to_address(name)
        if scheme == DIGEST:
            return acl.granted_to(identity) if self.digest_enabled else 0
        if scheme != SASL or not self.sasl_in_acls:
            return 0
        if name == SUPER:
            return _granted_to_all_of(SASL, acl)
        granted = acl.granted_to(identity)
        return granted | acl.granted_to((SASL, self.any_sasl_user)) if self.any_sasl_user else granted

    def user_name(self, scheme: bytes, identity: bytes) -> bytes:
        """As whoAmI and the audit log show it."""
        if scheme == DIGEST:
            return identity.split(b":", 1)[0]
        return identity if scheme == IP or (scheme == SASL and self.sasl_in_acls) else b""

    def fix_acl(self, raw: list[RawAcl] | None, credentials: list[Identity]) -> tuple[Acl, ...]:
        """The list that a create or setACL stores; raises `InvalidAclError` (semantics, section 9.3)."""
        if raw is RAW_OPEN_ACL:
            return OPEN_ACL
        if not raw:
            raise InvalidAclError("the ACL is empty")
        fixed: list[Acl] = []
        for entry in _without_duplicates(raw):
            fixed.extend(self._fix_entry(entry, credentials))
        return tuple(fixed)

    def _fix_entry(self, entry: RawAcl, credentials: list[Identity]) -> list[Acl]:
        scheme, identity = entry.scheme, entry.identity
        if scheme is None:
            raise InvalidAclError("an ACL entry has no scheme")
        if scheme == b"auth":
            return self._expand_auth(entry.permissions, credentials)
        if scheme != b"world" and not self._has_provider(scheme):
            raise InvalidAclError(f"no provider for scheme {scheme!r}")
        if identity is None:
            raise MarshallingError("an ACL entry has no id")
        if scheme == b"world" and identity == b"anyone":
            return [(entry.permissions, scheme, identity)]
        if not self._is_valid_id(scheme, identity):
            raise InvalidAclError(f"{identity!r} is no valid id of scheme {scheme!r}")
        return [(entry.permissions, scheme, java_string(identity))]

    def _expand_auth(self, permissions: int, credentials: list[Identity]) -> list[Acl]:
        expanded = [(permissions, scheme, identity) for scheme, identity in credentials if self._authenticates(scheme)]
        if not expanded:
            raise InvalidAclError("scheme auth, but the connection has not authenticated")
        return expanded

    def _authenticates(self, scheme: bytes) -> bool:
        return (scheme == DIGEST and self.digest_enabled) or (scheme == SASL and self.sasl_in_acls)

    def _has_provider(self, scheme: bytes) -> bool:
        return scheme == IP or self._authenticates(scheme) or (scheme == SASL and self.sasl_in_acls)

    def _is_valid_id(self, scheme: bytes, identity: bytes) -> bool:
        if scheme == IP:
            return parse_network(identity) is not None
        if scheme == DIGEST:
            return len(_split_like_java(identity)) == 2
        return scheme == SASL and _KERBEROS_NAME.fullmatch(identity) is not None


def _granted_to_all_of(scheme: bytes, acl: AclList) -> i64:
    granted: i64 = 0
    for permissions, theirs, _ in acl.entries:
        if theirs == scheme:
            granted |= permissions
    return granted


def _without_duplicates(raw: list[RawAcl]) -> list[RawAcl]:
    unique: dict[tuple[int, bytes | None, bytes | None], RawAcl] = {}
    for entry in raw:
        unique.setdefault((entry.permissions, entry.scheme, entry.identity), entry)
    return list(unique.values())


def _split_like_java(text: bytes) -> list[bytes]:
    """Java drops the empty parts at the end."""
    parts = text.split(b":")
    while parts and not parts[-1]:
        parts.pop()
    return parts
