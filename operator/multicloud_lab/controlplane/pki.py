"""The certificates of one control plane: its own CA, and what that CA signs.

Written into the instance's directory (mode 0700) and read from there by
kube-apiserver and, embedded in kubeconfig files, by every client.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NOT_BEFORE: Final = datetime(2020, 1, 1, tzinfo=UTC)
_NOT_AFTER: Final = datetime(2049, 12, 31, tzinfo=UTC)
"""A fixed span instead of "from now": the keys never leave the instance's directory,
and a machine whose clock is wrong can still start."""
_COMMON_NAME_MAX: Final = 64
"""X.520's upper bound on a common name, which carries the Kubernetes user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    private_key: bytes = b""

    def __repr__(self) -> str:
        """Keep the key out of every trace."""
        return "KeyPair(…)"


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner can read; who reads it meanwhile sees the old one or the new."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600, exist_ok=False)
    partial.write_bytes(content)
    partial.replace(path)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
    )


class Authority:
    """A certificate authority kept in a directory; made there when it is not yet."""

    def __init__(self, directory: Path) -> None:
        """Load ``ca.crt`` and ``ca.key`` of ``directory``, or create them."""
        self.ca_file: Path = directory / "ca.crt"
        key_file = directory / "ca.key"
        if key_file.exists() and self.ca_file.exists():
            key = load_pem_private_key(key_file.read_bytes(), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise TypeError(f"{key_file} holds no elliptic-curve key; delete {directory}")
            self._key: ec.EllipticCurvePrivateKey = key
            self._certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _self_signed(self._key)
        write_private(key_file, _private_pem(self._key))
        self.ca_file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def server(self) -> KeyPair:
        """Return a certificate for an API server on this machine's loopback."""
        names: list[x509.GeneralName] = [
            x509.IPAddress(ip_address("127.0.0.1")),
            x509.IPAddress(ip_address("::1")),
            x509.DNSName("localhost"),
            x509.DNSName("kubernetes.default.svc"),
        ]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
        return self._issue(subject, ExtendedKeyUsageOID.SERVER_AUTH, x509.SubjectAlternativeName(names))

    def client(self, user: str, groups: Sequence[str]) -> KeyPair:
        """Return a client certificate: common name is the user, organisations the groups.

        Raises ValueError for a user that no certificate can name.
        """
        if not 0 < len(user) <= _COMMON_NAME_MAX:
            raise ValueError(
                f"user {user!r} cannot be put into a client certificate: "
                f"its name must have 1 to {_COMMON_NAME_MAX} characters"
            )
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        return self._issue(x509.Name(attributes), ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _issue(
        self,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self._certificate.subject, key)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return KeyPair(certificate=certificate.public_bytes(Encoding.PEM), private_key=_private_pem(key))


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "multicloud lab CA")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def service_account_keys() -> KeyPair:
    """Return the pair that signs and checks service account tokens (public part as PEM key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(certificate=public, private_key=_private_pem(key))
