"""What a machine type offers to pods: capacity, and what its vendor leaves of it.

vCPUs come from the type's name; memory from the vendors' family ratios (https://aws.amazon.com/ec2/instance-types,
https://learn.microsoft.com/azure/virtual-machines/sizes, https://cloud.google.com/compute/docs/machine-resource).
Reservations: EKS bootstrap (https://github.com/awslabs/amazon-eks-ami, kube-reserved), AKS
(https://learn.microsoft.com/azure/aks/node-resource-reservations, from 1.29), GKE
(https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from multicloud_lab.core.capacity import vcpus

GIB_MIB = 1024
EVICTION_MIB = 100
"""What every vendor keeps for the kubelet's hard eviction threshold."""

_SMALL: Mapping[str, int] = {"t3.micro": 1, "t3.small": 2, "t3.medium": 4, "e2-micro": 1, "e2-small": 2, "e2-medium": 4}
"""GiB of types whose name tells no ratio."""
_AWS_GIB: Mapping[str, int] = {"c": 2, "m": 4, "t": 4, "r": 8, "x": 16}
_AZURE_GIB: Mapping[str, int] = {"F": 2, "D": 4, "B": 4, "E": 8, "M": 28}
_GOOGLE_GIB: Mapping[str, int] = {"highcpu": 1, "standard": 4, "highmem": 8}
_USUAL_GIB = 4
"""GiB per vCPU where the family is not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """CPU in millicores, memory in MiB, and the number of pods, whole and as left to pods."""

    cpu_m: int
    memory_mib: int
    allocatable_cpu_m: int
    allocatable_memory_mib: int
    pods: int


def offer(cloud: str, instance_type: str) -> Offer:
    """Return what a node of this type offers in this cloud."""
    cores = vcpus(instance_type)
    memory_mib = _memory_gib(instance_type, cores) * GIB_MIB
    pods = _max_pods(cloud, cores)
    reserved_mib = _reserved_mib(cloud, memory_mib, pods)
    reserved_m = _azure_reserved_m(cores) if cloud == "azure" else _reserved_m(cores)
    return Offer(
        cpu_m=cores * 1000,
        memory_mib=memory_mib,
        allocatable_cpu_m=cores * 1000 - reserved_m,
        allocatable_memory_mib=memory_mib - reserved_mib - EVICTION_MIB,
        pods=pods,
    )


def _memory_gib(instance_type: str, cores: int) -> int:
    if instance_type in _SMALL:
        return _SMALL[instance_type]
    ratio = _USUAL_GIB
    if azure := re.match(r"Standard_([A-Z])", instance_type):
        ratio = _AZURE_GIB.get(azure[1], _USUAL_GIB)
    elif google := re.fullmatch(r"[a-z0-9]+-([a-z]+)-\d+", instance_type):
        ratio = _GOOGLE_GIB.get(google[1], _USUAL_GIB)
    elif "." in instance_type:
        ratio = _AWS_GIB.get(instance_type[0], _USUAL_GIB)
    return ratio * cores


def _max_pods(cloud: str, cores: int) -> int:
    """EKS: what the network interfaces of m5 have addresses for; AKS: the default of CNI Overlay; GKE: its default."""
    if cloud == "aws":
        return 29 if cores <= 2 else 58 if cores <= 8 else 234
    return 250 if cloud == "azure" else 110


def _reserved_m(cores: int) -> int:
    """6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the others (EKS and GKE alike)."""
    shares = [60.0, 10.0, 5.0, 5.0]
    return int(sum(shares[:cores]) + 2.5 * max(cores - len(shares), 0))


def _azure_reserved_m(cores: int) -> int:
    """AKS' table: 60, 100, 140, 180, 260, 420, 740 millicores for 1, 2, 4, 8, 16, 32, 64 cores."""
    table = {1: 60, 2: 100, 4: 140, 8: 180, 16: 260, 32: 420, 64: 740}
    return table[max(size for size in table if size <= cores)]


def _reserved_mib(cloud: str, memory_mib: int, pods: int) -> int:
    if cloud == "aws":
        return 255 + 11 * pods
    if cloud == "azure":
        return min(20 * pods + 50, memory_mib // 4)
    if memory_mib < GIB_MIB:
        return 255
    reserved, left = 0.0, float(memory_mib)
    for width_gib, share in ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06)):
        slice_mib = min(left, width_gib * GIB_MIB)
        reserved += slice_mib * share
        left -= slice_mib
    return int(reserved + left * 0.02)
