"""Making clusters, pools and their zones' groups: from the seed, from CreateNodePool, by hands.

Every group's name has a hash of its own, so a pool made again under the same name has other groups.
"""

from collections.abc import Sequence
from copy import deepcopy
from random import Random

from multicloud_lab.core.capacity import Supply
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.nodes import NodeSet
from multicloud_lab.core.seed import GkeAutoscaling, GkeCluster, GkePool
from multicloud_lab.gke.names import Name, region_of
from multicloud_lab.gke.operations import make_uuid
from multicloud_lab.gke.state import Autoscaling, Cluster, Group, Json, Pool

CLOUD = "gcp"

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_SUFFIX_LENGTH = 4
_SUFFIXES = len(_ALPHABET) ** _SUFFIX_LENGTH
_STRIDE = 1_104_731
"""Coprime to the number of suffixes, so all of them come before one comes again."""
_NAME_PART = 20
"""How much of a cluster's and a pool's name goes into the names of their machines."""
DEFAULT_MACHINE = "e2-medium"
"""What a NodeConfig without machineType means (NodeConfig.machineType)."""


class Builder:
    """Makes the parts of a project's state; whoever calls puts them where they belong."""

    def __init__(self, lab: Lab) -> None:
        """Draw from the lab's randomness and clock."""
        self._lab = lab

    def cluster(self, seed: GkeCluster, project: str) -> Cluster:
        """Make a cluster of a seed with its pools, all nodes ready."""
        name = Name(project=project, location=seed.location, cluster=seed.name)
        cluster = Cluster(
            name=name,
            uid=make_uuid(self._lab.rng).replace("-", ""),
            locations=list(seed.zones),
            version=seed.version,
            created=self._lab.clock.now(),
        )
        for each in seed.pools:
            self.seeded_pool(each, seed, cluster)
        return cluster

    def seeded_pool(self, seed: GkePool, seed_cluster: GkeCluster, cluster: Cluster) -> Pool:
        """Make a pool of a seed in a cluster, all nodes ready."""
        config: Json = {"machineType": seed.machine_type}
        if seed.spot:
            config["spot"] = True
        if seed.labels:
            config["labels"] = dict(seed.labels)
        pool = self.pool(cluster, seed.name, seed.node_count, {"config": config}, _autoscaling(seed.autoscaling))
        for zone in seed.zones or seed_cluster.zones:
            self.add_group(pool, zone).nodes.fill(seed.node_count)
        cluster.pools[seed.name] = pool
        return pool

    def pool(
        self,
        cluster: Cluster,
        name: str,
        node_count: int,
        settings: Json,
        autoscaling: Autoscaling,
    ) -> Pool:
        """Make a pool without groups; they come when its creation runs."""
        return Pool(
            name=cluster.name.of_pool(name),
            uid=make_uuid(self._lab.rng),
            node_count=node_count,
            settings=_with_defaults(settings),
            version=cluster.version,
            autoscaling=autoscaling,
        )

    def again(self, pool: Pool, cluster: Cluster, zones: Sequence[str]) -> Pool:
        """Make a pool of the same name and settings anew: other uid, other groups, its nodes still to boot."""
        other = self.pool(cluster, pool.short_name, pool.node_count, deepcopy(pool.settings), pool.autoscaling)
        for zone in zones:
            self.add_group(other, zone).nodes.set_target(pool.node_count)
        cluster.pools[other.short_name] = other
        return other

    def add_group(self, pool: Pool, zone: str) -> Group:
        """Make one zone's group without nodes and put it into the pool."""
        timings = self._lab.seed.timings
        parts = ((pool.name.cluster or "")[:_NAME_PART], pool.short_name[:_NAME_PART])
        base = f"gke-{parts[0]}-{parts[1]}-{self._lab.rng.getrandbits(32):08x}"
        nodes = NodeSet(
            self._lab.clock,
            f"{base}-",
            [zone],
            timings.boot_of(pool.machine_type).draw,
            timings.drain_s,
            self._lab.rng,
            suffix=_instance_suffix,
            supply=self._supply(pool),
        )
        group = Group(
            project=pool.name.project,
            name=f"{base}-grp",
            zone=zone,
            created=self._lab.clock.now(),
            nodes=nodes,
            wished=pool.node_count,
        )
        pool.groups.append(group)
        return group

    def migrate(self, pool: Pool) -> None:
        """Have the pool's next machines be of the type that its settings now name."""
        boot = self._lab.seed.timings.boot_of(pool.machine_type)
        for group in pool.groups:
            group.nodes.migrate(self._supply(pool), boot.draw)

    def _supply(self, pool: Pool) -> Supply:
        return self._lab.supply(
            cloud=CLOUD,
            account=pool.name.project,
            region=region_of(pool.name.location),
            cluster=pool.name.cluster or "",
            pool=pool.short_name,
            instance_type=pool.machine_type,
        )


def machine_type_of(settings: Json) -> str:
    """Return the machine type that a pool of these settings gets."""
    config = settings.get("config")
    return str(config.get("machineType") or DEFAULT_MACHINE) if isinstance(config, dict) else DEFAULT_MACHINE


def _with_defaults(settings: Json) -> Json:
    given = settings.get("config")
    config = {**(given if isinstance(given, dict) else {}), "machineType": machine_type_of(settings)}
    management = {"autoUpgrade": True, "autoRepair": True}
    return {"management": management, **settings, "config": config}


def _autoscaling(seed: GkeAutoscaling | None) -> Autoscaling:
    if seed is None:
        return Autoscaling()
    return Autoscaling(
        enabled=seed.enabled,
        min_node_count=seed.min_node_count,
        max_node_count=seed.max_node_count,
    )


def _instance_suffix(rng: Random, serial: int) -> str:  # noqa: ARG001  (never the same twice in a group)
    number = (serial * _STRIDE + _STRIDE) % _SUFFIXES
    digits = ""
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
