"""Names of the Java world that stand for an authentication scheme or a hash of ours."""

from collections.abc import Mapping

from zkeeper.server.config.values import BadValue, Reading

_PACKAGE = "org.apache.zookeeper.server.auth."
_SCHEME_OF_CLASS: Mapping[str, str] = {
    f"{_PACKAGE}DigestAuthenticationProvider": "digest",
    f"{_PACKAGE}IPAuthenticationProvider": "ip",
    f"{_PACKAGE}SASLAuthenticationProvider": "sasl",
    f"{_PACKAGE}X509AuthenticationProvider": "x509",
    f"{_PACKAGE}EnsembleAuthenticationProvider": "ensemble",
    f"{_PACKAGE}KeyAuthenticationProvider": "key",
}

HASHES: Mapping[str, str] = {
    "sha1": "sha1",
    "sha-1": "sha1",
    **{f"sha{bits}": f"sha{bits}" for bits in (224, 256, 384, 512)},
    **{f"sha-{bits}": f"sha{bits}" for bits in (224, 256, 384, 512)},
    **{f"sha3-{bits}": f"sha3_{bits}" for bits in (224, 256, 384, 512)},
    "md5": "md5",
}


def provider_scheme(text: str) -> Reading[str]:
    """The scheme of a provider's Java class. Unlike Java we refuse to start without a provider that was asked for."""
    scheme = _SCHEME_OF_CLASS.get(text)
    if scheme is None:
        known = ", ".join(name.removeprefix(_PACKAGE) for name in _SCHEME_OF_CLASS)
        raise BadValue(f"{text!r} is no known authentication provider", f"use one of {known}", is_fatal=True)
    return Reading(scheme)
