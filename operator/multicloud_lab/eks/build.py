"""EKS state made new: clusters, node groups and Auto Scaling groups as AWS would name them.

From the seed, from a request, or from what was there before under the same name.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from multicloud_lab.core.lab import Lab
from multicloud_lab.core.nodes import NodeSet
from multicloud_lab.core.seed import EksCluster, EksNodegroup
from multicloud_lab.eks.state import AutoScalingGroup, Cluster, Nodegroup, NodegroupSpec, Scaling
from multicloud_lab.eks.subnets import Subnets, with_subnets
from multicloud_lab.eks.switches import Switches

CLOUD = "aws"
DEFAULT_SCALING = Scaling(min=1, max=2, desired=2)
"""The sizes of a node group that was created without scalingConfig (EKS's documentation)."""
DEFAULT_TYPE = "t3.medium"
DEFAULT_VERSION = "1.36"
SETTINGS = ("updateConfig", "nodeRepairConfig", "warmPoolConfig", "launchTemplate", "remoteAccess")
"""The blocks of a node group that are shown again as they were given."""
CLUSTER_SETTINGS = ("logging", "accessConfig", "upgradePolicy", "deletionProtection", "encryptionConfig")


class Builder:
    """Makes state; draws from the lab's randomness, so that equal runs make equal names."""

    def __init__(self, lab: Lab, switches: Switches) -> None:
        """Make it for this lab."""
        self._lab = lab
        self._switches = switches

    def seeded(self) -> Iterator[Cluster]:
        """Build the seed's clusters, every node ready."""
        for seed in self._lab.seed.aws.clusters:
            yield self.seeded_cluster(seed)

    def seeded_cluster(self, seed: EksCluster) -> Cluster:
        """Build one cluster of the seed, every node ready."""
        cluster = self.cluster(seed.name, seed.account or self._lab.seed.aws.account, seed.region, version=seed.version)
        for pool in seed.nodegroups:
            self.filled(cluster, self.seeded_spec(seed, pool, cluster.account))
        return cluster

    def cluster(self, name: str, account: str, region: str, *, version: str = DEFAULT_VERSION) -> Cluster:
        """Build a cluster without node groups, ACTIVE."""
        return Cluster(
            name=name,
            account=account,
            region=region,
            arn=f"arn:aws:eks:{region}:{account}:cluster/{name}",
            created=self._lab.clock.now(),
            version=version,
            endpoint_id=f"{self._lab.rng.getrandbits(128):032X}",
            role_arn=f"arn:aws:iam::{account}:role/{name}",
        )

    def requested_cluster(self, account: str, region: str, request: Mapping[str, Any]) -> Cluster:
        """Build a cluster from a CreateCluster request, CREATING."""
        cluster = self.cluster(request["name"], account, region, version=request.get("version") or DEFAULT_VERSION)
        cluster.status = "CREATING"
        cluster.role_arn = request["roleArn"]
        cluster.subnets = tuple(request["resourcesVpcConfig"].get("subnetIds") or ())
        cluster.settings = {name: request[name] for name in CLUSTER_SETTINGS if request.get(name) is not None}
        cluster.tags = dict(request.get("tags") or {})
        return cluster

    def seeded_spec(self, cluster: EksCluster, seed: EksNodegroup, account: str) -> NodegroupSpec:
        """Return what a node group of the seed is made from."""
        zones = seed.zones or zones_of(cluster.region)
        return NodegroupSpec(
            name=seed.name,
            scaling=Scaling(min=seed.min, max=seed.max, desired=seed.desired),
            instance_types=(seed.instance_type,),
            capacity_type=seed.capacity_type,
            zones=zones,
            subnets=tuple(f"subnet-{self._lab.rng.getrandbits(68):017x}" for _ in zones),
            node_role=f"arn:aws:iam::{account}:role/{cluster.name}-nodes",
            version=cluster.version,
            release_version=latest_release(cluster.version),
            labels=dict(seed.labels),
        )

    def filled(self, cluster: Cluster, spec: NodegroupSpec) -> Nodegroup:
        """Put a node group into a cluster, ACTIVE, with every node ready."""
        group = self._nodegroup(cluster, spec)
        group.group.nodes.fill(spec.scaling.desired)
        group.group.seen = {node.name: node.state for node in group.group.nodes.nodes}
        cluster.nodegroups[spec.name] = group
        return group

    def requested(self, cluster: Cluster, request: Mapping[str, Any]) -> Nodegroup:
        """Put a node group of a CreateNodegroup request into a cluster, CREATING, its instances not asked for yet."""
        group = self._nodegroup(cluster, requested_spec(cluster, request))
        group.status = "CREATING"
        cluster.nodegroups[group.name] = group
        return group

    def _nodegroup(self, cluster: Cluster, spec: NodegroupSpec) -> Nodegroup:
        identity = uuid.UUID(int=self._lab.rng.getrandbits(128), version=4)
        now_s = self._lab.clock.now()
        place = f"{cluster.region}:{cluster.account}"
        return Nodegroup(
            spec=spec,
            arn=f"arn:aws:eks:{place}:nodegroup/{cluster.name}/{spec.name}/{identity}",
            created=now_s,
            modified=now_s,
            version=spec.version,
            release_version=spec.release_version,
            scaling=spec.scaling,
            wished=spec.scaling.desired,
            group=self._group(cluster, spec, f"eks-{spec.name}-{identity}"),
            labels=dict(spec.labels),
            taints=[dict(taint) for taint in spec.taints],
            tags=dict(spec.tags),
            settings=dict(spec.settings),
        )

    def _group(self, cluster: Cluster, spec: NodegroupSpec, name: str) -> AutoScalingGroup:
        lab, instance_type = self._lab, spec.instance_types[0]
        subnets = Subnets(addresses=self._switches.subnet_addresses)
        supply = lab.supply(CLOUD, cluster.account, cluster.region, cluster.name, spec.name, instance_type)
        nodes = NodeSet(
            lab.clock,
            "i-0",
            spec.zones,
            lab.seed.timings.boot_of(instance_type).draw,
            lab.seed.timings.drain_s,
            lab.rng,
            suffix=_instance_suffix,
            supply=with_subnets(supply, subnets),
        )
        subnets.nodes = nodes
        identity = uuid.UUID(int=lab.rng.getrandbits(128), version=4)
        place = f"{cluster.region}:{cluster.account}"
        return AutoScalingGroup(
            name=name,
            arn=f"arn:aws:autoscaling:{place}:autoScalingGroup:{identity}:autoScalingGroupName/{name}",
            created=lab.clock.now(),
            min=spec.scaling.min,
            max=spec.scaling.max,
            zones=spec.zones,
            instance_type=instance_type,
            tags={
                "eks:cluster-name": cluster.name,
                "eks:nodegroup-name": spec.name,
                # AWS sets the next two on every managed group, whether a Cluster Autoscaler runs or not.
                "k8s.io/cluster-autoscaler/enabled": "true",
                f"k8s.io/cluster-autoscaler/{cluster.name}": "owned",
                f"kubernetes.io/cluster/{cluster.name}": "owned",
            },
            nodes=nodes,
            subnets=subnets,
        )


def requested_spec(cluster: Cluster, request: Mapping[str, Any]) -> NodegroupSpec:
    """Return what a CreateNodegroup request (checked) asks for."""
    asked = request.get("scalingConfig")
    scaling = DEFAULT_SCALING
    if asked:
        scaling = Scaling(min=asked["minSize"], max=asked["maxSize"], desired=asked["desiredSize"])
    version = request.get("version") or cluster.version
    subnets = tuple(request["subnets"])
    return NodegroupSpec(
        name=request["nodegroupName"],
        scaling=scaling,
        instance_types=tuple(request.get("instanceTypes") or (DEFAULT_TYPE,)),
        capacity_type=request.get("capacityType") or "ON_DEMAND",
        # Which zone a subnet is in is EC2's to know: the lab takes one zone a subnet, in order.
        zones=zones_of(cluster.region)[: len(subnets)],
        subnets=subnets,
        node_role=request["nodeRole"],
        version=version,
        release_version=request.get("releaseVersion") or latest_release(version),
        ami_type=request.get("amiType") or "AL2023_x86_64_STANDARD",
        disk_size=request.get("diskSize") or 20,
        labels=dict(request.get("labels") or {}),
        taints=tuple(dict(taint) for taint in request.get("taints") or ()),
        tags=dict(request.get("tags") or {}),
        settings={name: request[name] for name in SETTINGS if request.get(name)},
    )


def spec_of(group: Nodegroup) -> NodegroupSpec:
    """Return what would make the node group again as it is now."""
    return replace(
        group.spec,
        scaling=Scaling(min=group.group.min, max=group.group.max, desired=group.group.nodes.target),
        version=group.version,
        release_version=group.release_version,
        labels=dict(group.labels),
        taints=tuple(dict(taint) for taint in group.taints),
        tags=dict(group.tags),
        settings=dict(group.settings),
    )


def latest_release(version: str) -> str:
    """Return the newest node image's release version for a Kubernetes version."""
    return f"{version}.0-20260101"


def zones_of(region: str) -> tuple[str, ...]:
    """Return a region's zones, as many as every region has."""
    return tuple(f"{region}{letter}" for letter in "abc")


def _instance_suffix(rng: Random, _serial: int) -> str:
    return f"{rng.getrandbits(64):016x}"
