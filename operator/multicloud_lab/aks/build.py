"""From a seed (or a PUT's spec) to clusters and agent pools with their machines.

The engine and its hands call it; every id is drawn from the lab's own chance, so equal seeds give equal labs.
"""

from collections.abc import Callable, Mapping
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from multicloud_lab.aks import rules
from multicloud_lab.aks.state import AgentPool, Cluster, Properties
from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.nodes import NodeSet
from multicloud_lab.core.seed import AksCluster, AksPool

CLOUD = "azure"

NODE_IMAGE = "AKSUbuntu-2404gen2containerd-202612.01.0"
"""The image version that every pool runs."""

REGIONAL_ZONE = "0"
"""The zone of machines in a pool without zones, as Kubernetes' label has it."""


class Builder:
    """Makes clusters and pools for one lab."""

    def __init__(self, lab: Lab, switches: Callable[[], Switches]) -> None:
        """Draw from this lab's chance, take machines from its stock."""
        self._lab = lab
        self._switches = switches

    def guid(self) -> str:
        """Return an id in the form of a GUID."""
        return str(UUID(int=self._lab.rng.getrandbits(128), version=4))

    def cluster(self, seed: AksCluster) -> Cluster:
        """Return a seed's cluster, every node ready."""
        cluster = Cluster(
            subscription=seed.subscription_id or self._lab.seed.azure.subscription_id,
            group=seed.resource_group,
            name=seed.name,
            location=seed.location,
            version=seed.version,
            etag=self.guid(),
            uid=UUID(self.guid()).hex[:24],
        )
        for each in seed.pools:
            self.seeded_pool(cluster, each)
        return cluster

    def seeded_pool(self, cluster: Cluster, seed: AksPool) -> AgentPool:
        """Put a seed's pool into the cluster, every node ready."""
        return self.filled_pool(cluster, seed.name, _spec(seed, cluster.version))

    def filled_pool(self, cluster: Cluster, name: str, spec: Properties) -> AgentPool:
        """Put a pool into the cluster, every node ready."""
        pool = self.pool(cluster, name, spec)
        for size, nodes in pool.wished.items():
            pool.sets[size].fill(nodes)
        return pool

    def pool(self, cluster: Cluster, name: str, spec: Properties) -> AgentPool:
        """Put a pool without machines into the cluster."""
        pool = AgentPool(
            name=name,
            spec=spec,
            etag=self.guid(),
            version=str(spec["orchestratorVersion"]),
            image=NODE_IMAGE,
            digits=f"{self._lab.rng.randrange(10**8):08d}",
        )
        self.add_sets(cluster, pool)
        cluster.pools[name] = pool
        return pool

    def add_sets(self, cluster: Cluster, pool: AgentPool) -> None:
        """Give the pool a set of machines for every size it has none for yet."""
        zones = [f"{cluster.location}-{zone}" for zone in pool.spec.get("availabilityZones") or ()]
        for size in pool.wished:
            if size not in pool.sets:
                pool.sets[size] = self._set(cluster, pool, size, zones or [REGIONAL_ZONE])

    def _set(self, cluster: Cluster, pool: AgentPool, size: str, zones: list[str]) -> NodeSet:
        timings = self._lab.seed.timings
        # The machines of a VirtualMachines pool are numbered through, whatever their size.
        prefix = pool.machine_prefix
        nodes = NodeSet(
            self._lab.clock,
            prefix,
            zones,
            timings.boot_of(size).draw,
            timings.drain_s,
            self._lab.rng,
            suffix=_through(pool, prefix, count().__next__) if pool.is_mixed else machine_suffix,
            supply=self._lab.supply(CLOUD, cluster.subscription, cluster.location, cluster.name, pool.name, size),
        )
        nodes.cordoned_go_first = self._switches().cordoned_go_first
        return nodes


def machine_suffix(rng: Random, serial: int) -> str:  # noqa: ARG001  (scale sets number their machines, nothing is drawn)
    """Return a scale set machine's number as its six digits to the base 36."""
    digits = ""
    for _ in range(6):
        serial, digit = divmod(serial, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def _through(pool: AgentPool, prefix: str, following: Callable[[], int]) -> Callable[[Random, int], str]:
    """Return a numbering that skips the numbers of all other sizes' machines."""

    def suffix(rng: Random, serial: int) -> str:  # noqa: ARG001  (the number is the pool's, not the set's)
        taken = {node.name for node in pool.machines}
        number = following()
        while f"{prefix}{number}" in taken:
            number = following()
        return str(number)

    return suffix


def _spec(seed: AksPool, version: str) -> Properties:
    wished: Mapping[str, Any] = {
        "count": seed.count,
        "mode": seed.mode,
        "vmSize": seed.vm_size,
        "availabilityZones": list(seed.zones),
        "enableAutoScaling": seed.enable_auto_scaling,
        "minCount": seed.min_count,
        "maxCount": seed.max_count,
        "nodeLabels": dict(seed.node_labels),
        "orchestratorVersion": version,
        "powerState": {"code": "Running"},
        "upgradeSettings": {"maxSurge": "10%"},
        **(
            {"scaleSetPriority": "Spot", "scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1}
            if seed.scale_set_priority == "Spot"
            else {}
        ),
    }
    return {**rules.DEFAULTS, **{name: value for name, value in wished.items() if value not in (None, [], {})}}
