"""Google Kubernetes Engine on loopback: ClusterManager over gRPC, Compute's groups, OAuth tokens."""

from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.wire import GkeWire, start

__all__ = ["GkeEngine", "GkeWire", "start"]
