import ssl
from pathlib import Path

import pytest

from zkeeper.cli.client_configuration import read_client_configuration
from zkeeper.cli.tls import Tls, TlsError

SECURE = "zookeeper.client.secure=true\n"


def configuration(folder: Path, text: str) -> str:
    path = folder / "client.properties"
    path.write_text(text)
    return str(path)


def test_without_secure_there_is_no_tls(tmp_path: Path) -> None:
    assert read_client_configuration(configuration(tmp_path, "zookeeper.ssl.keyStore.location=/none.jks\n")) == Tls()


def test_names_are_verified_unless_that_is_switched_off(tmp_path: Path) -> None:
    context = read_client_configuration(configuration(tmp_path, SECURE)).context()
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    lax = read_client_configuration(
        configuration(tmp_path, f"{SECURE}zookeeper.ssl.hostnameVerification=false\n")
    ).context()
    assert lax is not None
    assert (lax.check_hostname, lax.verify_mode) == (False, ssl.CERT_REQUIRED)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("zookeeper.ssl.trustStore.location=/etc/trust.p12\n", "is not PEM"),
        ("zookeeper.ssl.trustStore.location=/none.pem\n", "authorities in /none.pem cannot be used"),
        ("zookeeper.ssl.keyStore.location=/none.pem\n", "certificate /none.pem cannot be used"),
    ],
)
def test_stores_that_cannot_be_used_are_told(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(TlsError, match=reason):
        read_client_configuration(configuration(tmp_path, SECURE + text)).context()
