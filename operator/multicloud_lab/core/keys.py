"""The Google service account's key: made new in every process, because a fixed one would be a secret in a repository.

The private half goes into the document (what a client logs in with); the GKE token endpoint checks
assertions with the public half.
"""

from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountKey:
    """A key of one service account; `key_id` is the `kid` of assertions signed with it."""

    project: str
    email: str
    key_id: str
    client_id: str
    private: rsa.RSAPrivateKey = field(repr=False)

    @property
    def public(self) -> rsa.RSAPublicKey:
        """The half that the token endpoint checks signatures with."""
        return self.private.public_key()

    def document(self, token_uri: str) -> dict[str, object]:
        """Return the JSON key file that google-auth reads."""
        pem = self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": self.key_id,
            "private_key": pem.decode(),
            "client_email": self.email,
            "client_id": self.client_id,
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }


@cache
def make_service_account_key(project: str, email: str) -> ServiceAccountKey:
    """Make a key of 2048 bits (about a tenth of a second), one for each account and process."""
    return new_service_account_key(project, email)


def new_service_account_key(project: str, email: str) -> ServiceAccountKey:
    """Make another key at every call."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    fingerprint = f"{private.public_key().public_numbers().n:x}"
    return ServiceAccountKey(
        project=project,
        email=email,
        key_id=fingerprint[-40:],
        client_id=str(int(fingerprint[:17], 16)).zfill(21)[:21],
        private=private,
    )
