"""Packs pods that wait onto nodes: first what is there, then the nodes that would have to come. Pure.

First fit, the largest pods first: near the fewest nodes, and the same for the same pods in any order. It is no scheduler.
What that regards beyond requests, labels, taints and one pod a node is not seen here; so what would fit on a node that
is there counts as placed, and no node is ever bought a second time for a pod that stays away from the first one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from multicloud.model.member import Resources
from multicloud.model.pods import Candidate, ClusterPods, NodeShape, PodGroup, PodShape, Requirement, Taint, Toleration
from multicloud.model.reason import Code

_NEAREST: Final = (Code.PODS_TOO_LARGE, Code.TAINTS_NOT_TOLERATED, Code.SHAPE_UNKNOWN, Code.LABELS_NOT_MATCHED)
"""Of several reasons the one is told that is nearest to being mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What became of a cluster's pods.

    `new` are the nodes that have to come, by candidate; `taking` are the candidates that take any pod, on nodes that are
    there or on new ones. `left` are pods that nobody takes, by reason; `waiting_though` fit on nodes that are ready.
    """

    new: Mapping[int, int]
    taking: frozenset[int]
    left: Mapping[Code, int]
    waiting_though: int


@dataclass(slots=True, kw_only=True)
class _Bin:
    """A node while pods are put on it."""

    owner: int
    free: Resources
    alone: bool
    ready: bool
    words: set[str] = field(default_factory=set)

    def take(self, shape: PodShape, pods: int) -> int:
        """Put as many of so many pods on it as fit; says how many."""
        if shape.apart:
            if not self.alone or self.words.intersection(shape.apart):
                return 0
            pods = min(pods, 1)
        taken = min(pods, how_often(shape.asks, self.free))
        if taken:
            self.free = _less(self.free, shape.asks, taken)
            self.words.update(shape.apart)
        return taken


def packed(cluster: ClusterPods) -> Packed:
    """Pack what waits in a cluster, each pod with one candidate."""
    bins = [one for number, each in enumerate(cluster.candidates) for one in _bins(number, each)]
    new: Counter[int] = Counter()
    left: Counter[Code] = Counter()
    taking: set[int] = set()
    waiting_though = 0
    for group in _largest_first(cluster.groups):
        refusals = {number: why_not(group.shape, each.rooms.shape) for number, each in enumerate(cluster.candidates)}
        welcome = [number for number, refusal in refusals.items() if refusal is None]
        rest = group.pods
        for one in (one for one in bins if one.owner in welcome):
            taken = one.take(group.shape, rest)
            rest -= taken
            if taken:
                taking.add(one.owner)
                waiting_though += taken if one.ready else 0
        for number in welcome:
            for one in _opened(number, cluster.candidates[number], new):
                taken = one.take(group.shape, rest) if rest else 0
                if not taken:
                    break
                rest -= taken
                new[number] += 1
                taking.add(number)
                bins.append(one)
        if rest:
            left[Code.MEMBERS_FULL if welcome else _nearest(refusals.values())] += rest
    return Packed(new=new, taking=frozenset(taking), left=left, waiting_though=waiting_though)


def nodes_for(loads: Iterable[Resources], shape: NodeShape) -> int:
    """Nodes on which what runs would find a place, each node's pods moved together; DaemonSets apart."""
    bins: list[Resources] = []
    room = _less(shape.offers, shape.own, 1)
    for load in sorted(loads, reverse=True):
        fitting = next((number for number, free in enumerate(bins) if how_often(load, free)), None)
        if fitting is None:
            bins.append(_less(room, load, 1))
        else:
            bins[fitting] = _less(bins[fitting], load, 1)
    return len(bins)


def why_not(shape: PodShape, node: NodeShape | None) -> Code | None:
    """Why a pod can be on no node of that shape, however empty; None if it can."""
    if shape.strange:
        return Code.PODS_NOT_COUNTED
    if node is None:
        return Code.SHAPE_UNKNOWN
    if not _selected(shape, node):
        return Code.LABELS_NOT_MATCHED
    if not all(any(_covers(toleration, taint) for toleration in shape.tolerates) for taint in node.taints):
        return Code.TAINTS_NOT_TOLERATED
    return None if how_often(shape.asks, _less(node.offers, node.own, 1)) else Code.PODS_TOO_LARGE


def how_often(asks: Resources, free: Resources) -> int:
    """How many times a request fits into what is free."""
    if min(free.cpu_m, free.memory, free.pods) < 0:
        return 0
    shares = ((asks.cpu_m, free.cpu_m), (asks.memory, free.memory), (asks.pods, free.pods))
    return min((offered // asked for asked, offered in shares if asked > 0), default=1)


def _bins(number: int, candidate: Candidate) -> Iterator[_Bin]:
    for room in candidate.rooms.rooms:
        if room.ready or candidate.hopeful:
            yield _Bin(owner=number, free=room.free, alone=room.empty, ready=room.ready)


def _opened(number: int, candidate: Candidate, new: Mapping[int, int]) -> Iterator[_Bin]:
    """Nodes that may come, as far as the member may grow."""
    shape = candidate.rooms.shape
    while shape is not None and base_of(candidate) + new.get(number, 0) < candidate.most:
        yield _Bin(owner=number, free=_less(shape.offers, shape.own, 1), alone=True, ready=False)


def base_of(candidate: Candidate) -> int:
    """Nodes that are there and stay: those on their way out are not among what the cloud tries to reach."""
    nodes = candidate.rooms.nodes
    return nodes if candidate.requested is None else min(nodes, candidate.requested)


def _largest_first(groups: Sequence[PodGroup]) -> list[PodGroup]:
    """The largest pods first; of equal ones the pickier. Equal shapes are one group, in whatever order they came."""
    pods: Counter[PodShape] = Counter()
    for group in groups:
        pods[group.shape] += group.pods
    shapes = sorted(pods, key=_size, reverse=True)
    return [PodGroup(shape=shape, pods=pods[shape]) for shape in shapes]


def _size(shape: PodShape) -> tuple[object, ...]:
    return (shape.asks, len(shape.selects) + len(shape.apart) + (shape.terms is not None), repr(shape))


def _selected(shape: PodShape, node: NodeShape) -> bool:
    if not all(_holds(each, node) for each in shape.selects):
        return False
    return shape.terms is None or any(term and all(_holds(each, node) for each in term) for term in shape.terms)


def _holds(requirement: Requirement, node: NodeShape) -> bool:
    """True if it holds on every node of the pool: which of them comes next nobody can choose."""
    return requirement.key not in node.varied and requirement.met_by(node.labels.get(requirement.key))


def _covers(toleration: Toleration, taint: Taint) -> bool:
    """Kubernetes' Toleration.ToleratesTaint."""
    if toleration.effect not in {"", taint.effect} or toleration.key not in {"", taint.key}:
        return False
    return toleration.value is None or toleration.value == taint.value


def _nearest(refusals: Iterable[Code | None]) -> Code:
    known = set(refusals)
    return next((code for code in _NEAREST if code in known), Code.PODS_NOT_COUNTED)


def _less(whole: Resources, part: Resources, times: int) -> Resources:
    return Resources(
        cpu_m=whole.cpu_m - times * part.cpu_m,
        memory=whole.memory - times * part.memory,
        pods=whole.pods - times * part.pods,
    )
