"""Our kinds on the API server: paged list, one read, and the operator's one write, a whole status.

The command line writes annotations here, in its user's name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from multicloud.kube.client import APPLY, MERGE, KubeClient, KubeError
from multicloud.model.port import Rejected, Written
from multicloud.model.ref import GROUP, VERSION, Kind, ObjectKey
from multicloud.model.version import COMMAND_LINE, FIELD_MANAGER


class KubeObjects:
    """Implements the ports Objects and StatusWriter."""

    def __init__(self, kube: KubeClient, *, namespaces: Sequence[str]) -> None:
        """Serve the given namespaces; empty means all of the cluster."""
        self._kube = kube
        self._namespaces = tuple(namespaces)

    async def missing_kinds(self) -> list[str]:
        """Kinds of ours that the API server does not serve, by discovery (no right on CRDs needed). Raises KubeError."""
        try:
            answer = await self._kube.call("GET", f"/apis/{GROUP}/{VERSION}")
        except KubeError as error:
            if not error.gone:
                raise
            answer = {}
        served = {resource["name"] for resource in answer.get("resources") or ()}
        return [
            f"CustomResourceDefinition {kind.plural}.{GROUP} is missing; apply crds/"
            for kind in Kind
            if not {kind.plural, f"{kind.plural}/status"} <= served
        ]

    async def schemas(self) -> Mapping[Kind, Mapping[str, Any]]:
        """What the API server knows of our kinds, from its OpenAPI document (no right on CRDs needed). Raises KubeError.

        A kind that the document does not tell of is left out.
        """
        try:
            answer = await self._kube.call("GET", f"/openapi/v3/apis/{GROUP}/{VERSION}")
        except KubeError as error:
            if not error.gone:
                raise
            answer = {}
        known = (answer.get("components") or {}).get("schemas") or {}
        prefix = ".".join([*reversed(GROUP.split(".")), VERSION])
        return {kind: known[f"{prefix}.{kind}"] for kind in Kind if f"{prefix}.{kind}" in known}

    async def list_objects(self, kind: Kind) -> Sequence[Mapping[str, Any]]:
        """Every object of the kind in the watched namespaces. Raises KubeError."""
        if not self._namespaces:
            # Cluster-wide on purpose: the administrator chose to serve every namespace.
            return await self._kube.list_pages(f"/apis/{GROUP}/{VERSION}/{kind.plural}")
        found: list[Mapping[str, Any]] = []
        for namespace in self._namespaces:
            found.extend(await self._kube.list_pages(_collection(kind, namespace)))
        return found

    async def read_object(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """One object, None when it does not exist. Raises KubeError otherwise."""
        try:
            return await self._kube.call("GET", f"{_collection(key.kind, key.namespace)}/{key.name}")
        except KubeError as error:
            if error.gone:
                return None
            raise

    async def annotate(
        self, key: ObjectKey, annotations: Mapping[str, str | None], *, resource_version: str
    ) -> Mapping[str, Any]:
        """Set annotations, or take those of None away, on exactly the version that was read; for the command line.

        Returns the object. Raises KubeError, a conflict where somebody wrote since.
        """
        metadata = {"resourceVersion": resource_version, "annotations": dict(annotations)}
        return await self._kube.call(
            "PATCH",
            f"{_collection(key.kind, key.namespace)}/{key.name}",
            query={"fieldManager": COMMAND_LINE},
            body={"metadata": metadata},
            content_type=MERGE,
        )

    async def write_status(
        self, key: ObjectKey, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> Written | Rejected:
        """Apply the whole status; resourceVersion makes it fail rather than touch another version or object.

        (For a status the API server does not compare the uid; a later object of the same name has another version.)
        """
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": str(key.kind),
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "uid": uid,
                "resourceVersion": resource_version,
            },
            "status": dict(status),
        }
        try:
            answer = await self._kube.call(
                "PATCH",
                f"{_collection(key.kind, key.namespace)}/{key.name}/status",
                query={"fieldManager": FIELD_MANAGER, "force": "true"},
                body=body,
                content_type=APPLY,
            )
        except KubeError as error:
            return Rejected(gone=error.gone, stale=error.conflict, words=error.words)
        return Written(resource_version=str(answer["metadata"]["resourceVersion"]), body=answer)


def _collection(kind: Kind, namespace: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{kind.plural}"
