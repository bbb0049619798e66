"""What each member must have for the pods of its cluster: nodes for what waits, on top of those that are there.

From a reading of pods to floors by member, which the pool's placing keeps (`place.lifting`), and to words about the pods
that nobody takes. Where nothing waits the floor is what the running pods need.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from multicloud.decide.scale.packing import base_of, nodes_for, packed
from multicloud.model.pods import Candidate, Floor, Pending
from multicloud.model.reason import Code, Reason

NAMED: Final = 3
"""Clusters that a sentence names."""

_WORDS: Final[Mapping[Code, str]] = {
    Code.TAINTS_NOT_TOLERATED: "do not tolerate the taints of the pool's nodes",
    Code.PODS_TOO_LARGE: "ask for more than an empty node of the pool has",
    Code.SHAPE_UNKNOWN: "wait while a member has no nodes, and had none since the operator looks: what one is like nobody knows",
    Code.LABELS_NOT_MATCHED: "ask for labels that not every node of a member has",
    Code.PODS_NOT_COUNTED: "ask for more than CPU and memory, or for too much to be looked at, which is not counted",
    Code.MEMBERS_FULL: "find every member that would take them at its most",
    Code.PODS_FIT: "fit on nodes that are ready, and are kept away by what is not looked at here",
}
"""What is wrong with pods, the order in which it is told."""


def floors_of(pending: Pending, before: Iterable[Floor]) -> tuple[tuple[Floor, ...], tuple[Reason, ...]]:
    """The members' floors by name, and why pods stay where they are. Members that are not seen keep theirs."""
    nodes = {floor.member: floor.nodes for floor in before if floor.member in pending.unseen}
    left: dict[Code, list[str]] = {}
    for cluster in pending.clusters:
        result = packed(cluster)
        for number, candidate in enumerate(cluster.candidates):
            if candidate.member:
                more = result.new.get(number, 0)
                takes = number in result.taking
                nodes[candidate.member] = base_of(candidate) + more if takes else _for_running(candidate)
        codes = [*result.left, *([Code.PODS_FIT] if result.waiting_though else [])]
        if cluster.more:
            codes.append(Code.PODS_NOT_COUNTED)
        for code in codes:
            left.setdefault(code, []).append(cluster.cluster.name)
    floors = tuple(Floor(member=name, nodes=nodes[name]) for name in sorted(nodes) if nodes[name])
    return floors, tuple(_told(code, left[code]) for code in _WORDS if code in left)


def _for_running(candidate: Candidate) -> int:
    shape = candidate.rooms.shape
    if shape is None:
        return 0
    return min(base_of(candidate), nodes_for(candidate.rooms.loads, shape))


def _told(code: Code, clusters: Sequence[str]) -> Reason:
    names = sorted(set(clusters))
    where = ", ".join(names[:NAMED]) + (" and others" if len(names) > NAMED else "")
    return Reason(code=code, text=f"in {where} pods {_WORDS[code]}")
