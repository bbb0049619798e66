"""The Lease that says who leads, as plain reads and guarded writes. The election itself is `watch.elector`."""

from dataclasses import dataclass
from datetime import datetime

from multicloud.kube.client import KubeClient, KubeError


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """A Lease as read. `holder` is empty when released; `resource_version` guards the next write."""

    holder: str
    duration_s: int
    renewed: str
    transitions: int
    resource_version: str


class KubeLease:
    """One Lease of the operator's namespace. Every request has the time-out given at construction."""

    def __init__(self, kube: KubeClient, *, namespace: str, name: str, timeout_s: float) -> None:
        """`timeout_s` must be below the elector's retry period, or a hung request costs the leadership."""
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._timeout_s = timeout_s

    @property
    def _collection(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"

    async def read(self) -> LeaseView | None:
        """The Lease, None when there is none. Raises KubeError."""
        try:
            answer = await self._kube.call("GET", f"{self._collection}/{self._name}", timeout_s=self._timeout_s)
        except KubeError as error:
            if error.gone:
                return None
            raise
        return _view(answer)

    async def write(
        self,
        *,
        holder: str,
        duration_s: float,
        now: datetime,
        acquired: datetime,
        transitions: int,
        seen: LeaseView | None,
    ) -> LeaseView:
        """Create the Lease (`seen` None) or replace exactly the version seen. Raises KubeError, 409 when we lost."""
        metadata: dict[str, str] = {"name": self._name, "namespace": self._namespace}
        if seen is not None:
            metadata["resourceVersion"] = seen.resource_version
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": max(1, round(duration_s)),
                "acquireTime": _micro(acquired),
                "renewTime": _micro(now),
                "leaseTransitions": transitions,
            },
        }
        path = self._collection if seen is None else f"{self._collection}/{self._name}"
        method = "POST" if seen is None else "PUT"
        return _view(await self._kube.call(method, path, body=body, timeout_s=self._timeout_s))


def _micro(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _view(answer: object) -> LeaseView:
    body = answer if isinstance(answer, dict) else {}
    spec = body.get("spec") or {}
    return LeaseView(
        holder=spec.get("holderIdentity") or "",
        duration_s=int(spec.get("leaseDurationSeconds") or 0),
        renewed=spec.get("renewTime") or "",
        transitions=int(spec.get("leaseTransitions") or 0),
        resource_version=body["metadata"]["resourceVersion"],
    )
