"""TLS as the tools are asked for it, by options or by a client configuration.

Certificates and keys are PEM files. The server's certificate is always checked; whether it is for the name that was
connected to may be left unchecked.
"""

import ssl
from typing import NamedTuple


class TlsError(Exception):
    """What was asked for cannot be used; the text says why."""


class Tls(NamedTuple):
    """`ca`: whom to trust, the system's authorities if not given. `cert`, `key`: who the client is, if anybody asks;
    the key may be in the file of the certificate. Without `password` a key that has one is asked for at the terminal.
    """

    is_on: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    password: str | None = None
    verifies_name: bool = True

    def over(self, other: "Tls") -> "Tls":
        """What this says, and where it says nothing what the other does."""
        is_other_cert = self.cert is None
        return Tls(
            self.is_on or other.is_on,
            self.ca or other.ca,
            self.cert or other.cert,
            self.key or (other.key if is_other_cert else None),
            self.password or (other.password if is_other_cert else None),
            self.verifies_name and other.verifies_name,
        )

    def context(self) -> ssl.SSLContext | None:
        """None if it is not on. Raises `TlsError`."""
        if not self.is_on:
            return None
        if self.key is not None and self.cert is None:
            raise TlsError(f"the key {self.key} is of no use without a certificate")
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise TlsError(f"the authorities in {self.ca} cannot be used: {_reason(error)}") from None
        context.check_hostname = self.verifies_name
        if self.cert is not None:
            self._load_cert(context, self.cert)
        return context

    def _load_cert(self, context: ssl.SSLContext, cert: str) -> None:
        try:
            context.load_cert_chain(cert, self.key, self.password)
        except OSError as error:
            files = cert if self.key is None else f"{cert} with {self.key}"
            raise TlsError(f"the certificate {files} cannot be used: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    """OpenSSL says of many files only that its PEM library failed."""
    if isinstance(error, ssl.SSLError) and error.reason in (None, "PEM lib", "NO_CERTIFICATE_OR_CRL_FOUND"):
        return "it is not PEM, or has no such thing"
    return str(error)
