"""One Secret by name. Nothing is listed or watched, so that RBAC can grant `get` alone, namespace by namespace."""

import base64
import binascii
from collections.abc import Mapping

from multicloud.kube.client import KubeClient, KubeError
from multicloud.model.error import Unavailable, refused
from multicloud.model.reason import Code, Reason


class KubeSecrets:
    """Implements the port Secrets."""

    def __init__(self, kube: KubeClient) -> None:
        """Read through the given connection."""
        self._kube = kube

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """The decoded data. Raises Refused (SecretNotFound, SecretNotReadable, SecretInvalid) or Unavailable."""
        try:
            answer = await self._kube.call("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except KubeError as error:
            raise _typed(error, namespace, name) from None
        try:
            return {key: base64.b64decode(value, validate=True) for key, value in (answer.get("data") or {}).items()}
        except (binascii.Error, TypeError, ValueError):
            raise refused(Code.SECRET_INVALID, f"Secret {name} holds data that is not base64") from None


def _typed(error: KubeError, namespace: str, name: str) -> Exception:
    if error.gone:
        return refused(
            Code.SECRET_NOT_FOUND,
            f"Secret {name} does not exist in namespace {namespace}; create it or correct spec.credentials.secretRef.name",
        )
    if error.denied:
        return refused(
            Code.SECRET_NOT_READABLE,
            f"the operator may not read Secret {name} in namespace {namespace}; "
            "grant it with a RoleBinding (chart value tenantNamespaces)",
        )
    return Unavailable(Reason(code=Code.UNAVAILABLE, text=f"the API server did not give Secret {name}"))
