"""Kubernetes events about our objects (events.k8s.io/v1). Fed by `report.events`, which deduplicates and limits."""

import secrets as random_names

from multicloud.kube.client import KubeClient
from multicloud.model.port import EventNote
from multicloud.model.ref import GROUP, VERSION
from multicloud.model.version import FIELD_MANAGER

NOTE_LIMIT = 1024
"""Longest note that the API server takes, in bytes (events.k8s.io validation)."""


class KubeEvents:
    """Implements the port EventSink."""

    def __init__(self, kube: KubeClient, *, instance: str) -> None:
        """`instance` names this replica in each event."""
        self._kube = kube
        self._instance = instance

    async def post(self, note: EventNote) -> None:
        """Create one event. Raises KubeError."""
        about = note.about
        stamp = note.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{about.name[:200].rstrip('-.')}.{random_names.token_hex(8)}",
                "namespace": about.namespace,
            },
            "eventTime": stamp,
            "type": "Warning" if note.warning else "Normal",
            "reason": str(note.reason.code),
            "action": note.action,
            "note": note.reason.text.encode()[:NOTE_LIMIT].decode(errors="ignore"),
            "reportingController": FIELD_MANAGER,
            "reportingInstance": self._instance[:128],
            "regarding": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": str(about.kind),
                "namespace": about.namespace,
                "name": about.name,
                "uid": note.uid,
            },
        }
        await self._kube.call("POST", f"/apis/events.k8s.io/v1/namespaces/{about.namespace}/events", body=body)
