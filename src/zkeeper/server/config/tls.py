"""TLS on the client port: its keys are read and kept, but no part of this version serves it."""

from dataclasses import dataclass

from zkeeper.server.config.setting import Scope, setting
from zkeeper.server.config.values import choice, filled_text, lenient_bool, lenient_int, names, plain_text, strict_int

_CLIENT_AUTH = choice({"none": "none", "want": "want", "need": "need"}, is_fatal=False)


@dataclass(frozen=True)
class TlsConfig:
    """The TLS client port (`None`: there is none), its key and trust stores, and what it accepts."""

    secure_client_port: int | None = setting("secureClientPort", strict_int(0, 65535), None, scope=Scope.FILE)
    secure_client_port_address: str | None = setting("secureClientPortAddress", filled_text, None, scope=Scope.FILE)
    is_client_port_unified: bool = setting("client.portUnification", lenient_bool, False)
    is_cert_reload: bool = setting("client.certReload", lenient_bool, False)
    auth_provider: str = setting("ssl.authProvider", plain_text, "x509")
    key_store_location: str = setting("ssl.keyStore.location", plain_text, "")
    key_store_password: str = setting("ssl.keyStore.password", plain_text, "")
    key_store_password_path: str = setting("ssl.keyStore.passwordPath", plain_text, "")
    key_store_type: str = setting("ssl.keyStore.type", plain_text, "")
    trust_store_location: str = setting("ssl.trustStore.location", plain_text, "")
    trust_store_password: str = setting("ssl.trustStore.password", plain_text, "")
    trust_store_password_path: str = setting("ssl.trustStore.passwordPath", plain_text, "")
    trust_store_type: str = setting("ssl.trustStore.type", plain_text, "")
    protocol: str = setting("ssl.protocol", plain_text, "TLSv1.3")
    enabled_protocols: tuple[str, ...] = setting("ssl.enabledProtocols", names, ())
    cipher_suites: tuple[str, ...] = setting("ssl.ciphersuites", names, ())
    client_auth: str = setting("ssl.clientAuth", _CLIENT_AUTH, "need")
    is_hostname_verified: bool = setting("ssl.hostnameVerification", lenient_bool, True)
    is_client_hostname_verified: bool = setting("ssl.clientHostnameVerification", lenient_bool, False)
    is_reverse_dns_allowed: bool = setting("ssl.allowReverseDnsLookup", lenient_bool, False)
    is_crl_checked: bool = setting("ssl.crl", lenient_bool, False)
    is_ocsp_checked: bool = setting("ssl.ocsp", lenient_bool, False)
    handshake_detection_timeout_ms: int = setting("ssl.handshakeDetectionTimeoutMillis", lenient_int(1), 5000)
