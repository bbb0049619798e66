"""Member clusters: the read side of a Kubernetes API for every emulated cluster, with cordon and eviction."""

from multicloud_lab.clusters.autoscaler import Bounds
from multicloud_lab.clusters.pods import Workload
from multicloud_lab.clusters.wire import Clusters, ClustersWire, start

__all__ = ["Bounds", "Clusters", "ClustersWire", "Workload", "start"]
