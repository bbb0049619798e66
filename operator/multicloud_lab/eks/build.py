"""From the seed to EKS state: clusters, node groups and Auto Scaling groups as AWS would name them."""

import uuid
from collections.abc import Iterator
from random import Random

from multicloud_lab.core.lab import Lab
from multicloud_lab.core.nodes import NodeSet
from multicloud_lab.core.seed import EksCluster, EksNodegroup
from multicloud_lab.eks.state import AutoScalingGroup, Cluster, Nodegroup, Scaling


def build_clusters(lab: Lab) -> Iterator[Cluster]:
    """Build the seed's clusters, every node ready."""
    for seed in lab.seed.aws.clusters:
        account = seed.account or lab.seed.aws.account
        cluster = Cluster(
            name=seed.name,
            account=account,
            region=seed.region,
            arn=f"arn:aws:eks:{seed.region}:{account}:cluster/{seed.name}",
            created=lab.clock.now(),
            version=seed.version,
            endpoint_id=f"{lab.rng.getrandbits(128):032X}",
        )
        for pool in seed.nodegroups:
            cluster.nodegroups[pool.name] = _nodegroup(lab, account, seed, pool)
        yield cluster


def _nodegroup(lab: Lab, account: str, cluster: EksCluster, seed: EksNodegroup) -> Nodegroup:
    identity = uuid.UUID(int=lab.rng.getrandbits(128), version=4)
    now_s = lab.clock.now()
    return Nodegroup(
        name=seed.name,
        arn=f"arn:aws:eks:{cluster.region}:{account}:nodegroup/{cluster.name}/{seed.name}/{identity}",
        created=now_s,
        modified=now_s,
        version=cluster.version,
        capacity_type=seed.capacity_type,
        node_role=f"arn:aws:iam::{account}:role/{cluster.name}-nodes",
        subnets=tuple(f"subnet-{lab.rng.getrandbits(68):017x}" for _ in _zones(cluster, seed)),
        scaling=Scaling(min=seed.min, max=seed.max, desired=seed.desired),
        wished=seed.desired,
        group=_group(lab, account, cluster, seed, f"eks-{seed.name}-{identity}"),
        labels=dict(seed.labels),
    )


def _group(lab: Lab, account: str, cluster: EksCluster, seed: EksNodegroup, name: str) -> AutoScalingGroup:
    timings = lab.seed.timings
    nodes = NodeSet(
        lab.clock,
        "i-0",
        _zones(cluster, seed),
        timings.boot.draw,
        timings.drain_s,
        lab.rng,
        suffix=_instance_suffix,
    )
    nodes.fill(seed.desired)
    identity = uuid.UUID(int=lab.rng.getrandbits(128), version=4)
    return AutoScalingGroup(
        name=name,
        arn=f"arn:aws:autoscaling:{cluster.region}:{account}:autoScalingGroup:{identity}:autoScalingGroupName/{name}",
        created=lab.clock.now(),
        min=seed.min,
        max=seed.max,
        zones=_zones(cluster, seed),
        instance_type=seed.instance_type,
        tags={
            "eks:cluster-name": cluster.name,
            "eks:nodegroup-name": seed.name,
            # AWS sets the next two on every managed group, whether a Cluster Autoscaler runs or not.
            "k8s.io/cluster-autoscaler/enabled": "true",
            f"k8s.io/cluster-autoscaler/{cluster.name}": "owned",
            f"kubernetes.io/cluster/{cluster.name}": "owned",
        },
        nodes=nodes,
    )


def _zones(cluster: EksCluster, seed: EksNodegroup) -> tuple[str, ...]:
    return seed.zones or tuple(f"{cluster.region}{letter}" for letter in "abc")


def _instance_suffix(rng: Random, _serial: int) -> str:
    return f"{rng.getrandbits(64):016x}"
