"""What the nodes of a pool carry: requests of the scheduled pods ÷ what nodes offer, from the members' own clusters.

The numbers are those that `kube.members` keeps anyway; reading them asks nobody. Requests, not use: what a pod has asked
for is what no other pod can have.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from multicloud.model.error import NoSample
from multicloud.model.member import MemberLoad, Resources
from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import ResourceName, ResourceUse, Scope, Used
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, ObjectKey


class Nodes:
    """Answers ResourceUse."""

    def __init__(self, loads: Callable[[ObjectKey], Sequence[MemberLoad]], clock: Clock) -> None:
        """`loads` tells what the members of a pool carry now."""
        self._loads = loads
        self._clock = clock

    async def read(self, asker: Asker, source: ResourceUse) -> Sample:
        """Look now. Raises NoSample."""
        members = self._loads(asker.pool)
        if not any(member.load is not None for member in members):
            text = "no member's cluster shows its nodes and pods; see condition PodsUnobserved of the pool"
            raise NoSample(Reason(code=Code.NO_CLUSTER_ACCESS, text=text))
        used = _used(members, source.name)
        if source.scope is Scope.WORST_CLUSTER:
            used = _as_the_fullest(members, source.name, used)
        if used.total <= 0:
            text = "no node of the pool is ready: there is nothing that its requests could be a share of"
            raise NoSample(Reason(code=Code.METRIC_EMPTY, text=text))
        return Sample(found=used, at=self._clock.now())


def _used(members: Sequence[MemberLoad], resource: ResourceName) -> Used:
    """The sum over members. Ready units that nobody shows are missing, with what those that are shown offer at most."""
    used = total = units = missing = unready_total = unready = most = 0
    for member in members:
        load = member.load
        if load is None:
            missing += member.ready_units
            continue
        offered = _of(load.offered, resource)
        used += _of(load.asked, resource)
        total += offered
        units += load.ready * member.units_per_node
        unready_total += _of(load.unready_offered, resource)
        unready += load.unready * member.units_per_node
        if load.ready:
            most = max(most, -(-offered // (load.ready * member.units_per_node)))
    return Used(
        used=used,
        total=total,
        units=units,
        missing_total=missing * most,
        missing_units=missing,
        unready_total=unready_total,
        unready_units=unready,
    )


def _as_the_fullest(members: Sequence[MemberLoad], resource: ResourceName, whole: Used) -> Used:
    """As if every unit were as full as those of the fullest cluster: where a pod must go there, others' room is no help."""
    clusters: dict[ClusterRef, list[MemberLoad]] = {}
    for member in members:
        clusters.setdefault(member.cluster, []).append(member)
    known = [share for each in clusters.values() if (share := _used(each, resource)).total > 0]
    if not known:
        return whole
    worst = max(known, key=lambda share: Fraction(share.used, share.total))
    return replace(
        whole, used=-(-worst.used * whole.units // worst.units), total=-(-worst.total * whole.units // worst.units)
    )


def _of(resources: Resources, name: ResourceName) -> int:
    return resources.cpu_m if name is ResourceName.CPU else resources.memory
