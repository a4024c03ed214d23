"""The properties file that zkCli takes with `-client-configuration`: what of it means something here is TLS.

1. Key and trust stores are PEM files, which Java takes, too. Its own formats (JKS, PKCS12) are refused, with the way
   out.
2. Without `zookeeper.client.secure=true` the connection is plain, whatever else the file says.
"""

import ssl
from collections.abc import Mapping
from typing import Final

from zkeeper.wire.properties import PropertiesError, parse_properties

_PEM_ENDINGS: Final = (".pem", ".crt", ".cer", ".key")


class ClientConfigurationError(Exception):
    """The file cannot be read, or asks for what is not there."""


def read_client_configuration(path: str) -> ssl.SSLContext | None:
    """The TLS that the file asks for; None if it asks for none."""
    try:
        with open(path, "rb") as file:
            properties = {one.key: one.value for one in parse_properties(file.read())}
    except (OSError, PropertiesError) as error:
        raise ClientConfigurationError(f"{path} cannot be used: {error}") from None
    if properties.get("zookeeper.client.secure", "false").lower() != "true":
        return None
    return _context(properties)


def _context(properties: Mapping[str, str]) -> ssl.SSLContext:
    trust_store = _store(properties, "trustStore")
    try:
        context = ssl.create_default_context(cafile=trust_store)
    except OSError as error:
        raise ClientConfigurationError(f"the trust store {trust_store} cannot be used: {error}") from None
    if properties.get("zookeeper.ssl.hostnameVerification", "true").lower() == "false":
        context.check_hostname = False
    key_store = _store(properties, "keyStore")
    try:
        if key_store is not None:
            context.load_cert_chain(key_store, password=properties.get("zookeeper.ssl.keyStore.password"))
    except OSError as error:
        raise ClientConfigurationError(f"the key store {key_store} cannot be used: {error}") from None
    return context


def _store(properties: Mapping[str, str], kind: str) -> str | None:
    path = properties.get(f"zookeeper.ssl.{kind}.location")
    if path is None:
        return None
    declared = properties.get(f"zookeeper.ssl.{kind}.type", "").upper()
    if declared != "PEM" and not path.endswith(_PEM_ENDINGS):
        raise ClientConfigurationError(
            f"zookeeper.ssl.{kind}.location={path} is not PEM; convert it (openssl pkcs12 -in ... -out store.pem) and "
            f"set zookeeper.ssl.{kind}.type=PEM"
        )
    return path
