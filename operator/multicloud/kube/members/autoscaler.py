"""Does a Cluster Autoscaler size machines of this cluster? Judged by the status that it writes about itself.

k8s.io/autoscaler, cluster-autoscaler/clusterstate: ConfigMap kube-system/cluster-autoscaler-status, its annotation with the
time of the last look, and in `data.status` YAML (from 1.30 on) or text, both naming each group of machines in a line of
its own. On AWS the names are those of Auto Scaling groups.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

PATH: Final = "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"
FRESH: Final = timedelta(minutes=10)
"""An autoscaler looks every 10 s; one that has not written for so long does not run any more."""

_UPDATED: Final = "cluster-autoscaler.kubernetes.io/last-updated"
_GROUP: Final = re.compile(r"^\s*(?:-\s+)?[Nn]ame:\s*(\S+)\s*$", re.MULTILINE)


class AutoscalerStatus:
    """The status over several looks."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._updated = ""
        self._moved_at: datetime | None = None

    def groups(self, config_map: Mapping[str, Any] | None, now: datetime) -> frozenset[str]:
        """The groups that a living autoscaler sizes. `config_map` is None where there is none.

        It lives if its time is young by our clock, or has moved between looks of ours: clocks differ.
        """
        if config_map is None:
            return frozenset()
        updated = str(((config_map.get("metadata") or {}).get("annotations") or {}).get(_UPDATED, ""))
        if self._updated and updated != self._updated:
            self._moved_at = now
        self._updated = updated
        moved = self._moved_at is not None and now - self._moved_at <= FRESH
        if not (moved or _is_young(updated, now)):
            return frozenset()
        return frozenset(_GROUP.findall(str((config_map.get("data") or {}).get("status", ""))))


def _is_young(updated: str, now: datetime) -> bool:
    try:
        # "2026-11-23 08:00:00.123456789 +0000 UTC": Go's form of a time; parts of a second do not matter.
        at = datetime.strptime(updated[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(now - at) <= FRESH
