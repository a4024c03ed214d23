"""The properties file that zkCli takes with `-client-configuration`: what of it means something here is TLS.

1. Key and trust stores are PEM files, which Java takes, too. Its own formats (JKS, PKCS12) are refused, with the way
   out.
2. Without `zookeeper.client.secure=true` the connection is plain, whatever else the file says.
"""

from collections.abc import Mapping
from typing import Final

from zkeeper.cli.tls import Tls, TlsError
from zkeeper.wire.properties import PropertiesError, parse_properties

_PEM_ENDINGS: Final = (".pem", ".crt", ".cer", ".key")


def read_client_configuration(path: str) -> Tls:
    """The TLS that the file asks for. Raises `TlsError`."""
    try:
        with open(path, "rb") as file:
            properties = {one.key: one.value for one in parse_properties(file.read())}
    except (OSError, PropertiesError) as error:
        raise TlsError(f"{path} cannot be used: {error}") from None
    if properties.get("zookeeper.client.secure", "false").lower() != "true":
        return Tls()
    return Tls(
        is_on=True,
        ca=_store(properties, "trustStore"),
        cert=_store(properties, "keyStore"),
        password=properties.get("zookeeper.ssl.keyStore.password"),
        verifies_name=properties.get("zookeeper.ssl.hostnameVerification", "true").lower() != "false",
    )


def _store(properties: Mapping[str, str], kind: str) -> str | None:
    path = properties.get(f"zookeeper.ssl.{kind}.location")
    if path is None:
        return None
    declared = properties.get(f"zookeeper.ssl.{kind}.type", "").upper()
    if declared != "PEM" and not path.endswith(_PEM_ENDINGS):
        raise TlsError(
            f"zookeeper.ssl.{kind}.location={path} is not PEM; convert it (openssl pkcs12 -in ... -out store.pem) and "
            f"set zookeeper.ssl.{kind}.type=PEM"
        )
    return path
