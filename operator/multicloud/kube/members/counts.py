"""What is kept of a cluster: a few numbers a node, sums a node pool, nothing a pod.

Fed by `watching` from lists and watch events. Pods come through a selector that only scheduled, unfinished ones pass, so
that the server itself says ADDED when one begins to count and DELETED, with its last state, when it ends
(docs/decisions/0018-nothing-kept-per-pod.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from multicloud.kube.members.marks import bears_mark
from multicloud.kube.members.requests import largest, less, offered, requests_of, smallest, summed
from multicloud.kube.members.traits import Traits, shape_of, traits_of
from multicloud.kube.members.waiting import Waiting, is_per_node
from multicloud.model.member import Counted, Load, Resources, SeenNode, nodes_needed
from multicloud.model.pods import Crowd, NodeShape, Room, Rooms
from multicloud.model.ref import Cloud

Body = Mapping[str, Any]

_ANY_POOL = ""
"""Stands for whichever node pool will have room."""


@dataclass(slots=True)
class _Node:
    """A node, or (`pool` None) a name that pods gave before the node itself was seen.

    `own` are the pods that come and go with it, as DaemonSets' do; they are in none of the other numbers.
    """

    pool: str | None = None
    ready: bool = False
    cordoned: bool = False
    marked: bool = False
    offers: Resources = field(default_factory=Resources)
    traits: Traits = field(default_factory=Traits)
    cpu_m: int = 0
    memory: int = 0
    pods: int = 0
    own_cpu_m: int = 0
    own_memory: int = 0
    own_pods: int = 0

    @property
    def filled(self) -> float:
        """The share that its pods request, those that come with it apart; as SeenNode has it."""
        shares = ((self.cpu_m, self.offers.cpu_m), (self.memory, self.offers.memory), (self.pods, self.offers.pods))
        return max((asked / offered for asked, offered in shares if offered > 0), default=0.0)

    def ask(self, requests: Resources, sign: int, *, own: bool) -> None:
        if own:
            self.own_cpu_m += sign * requests.cpu_m
            self.own_memory += sign * requests.memory
            self.own_pods += sign * requests.pods
        else:
            self.cpu_m += sign * requests.cpu_m
            self.memory += sign * requests.memory
            self.pods += sign * requests.pods

    @property
    def is_bare(self) -> bool:
        """True when no pod is counted on it."""
        return self.pods + self.own_pods <= 0

    @property
    def asked(self) -> Resources:
        return summed((self.others, self.own))

    @property
    def others(self) -> Resources:
        return Resources(cpu_m=max(0, self.cpu_m), memory=max(0, self.memory), pods=max(0, self.pods))

    @property
    def own(self) -> Resources:
        return Resources(cpu_m=max(0, self.own_cpu_m), memory=max(0, self.own_memory), pods=max(0, self.own_pods))


@dataclass(slots=True)
class _Pool:
    nodes: int = 0
    ready: int = 0
    cordoned: int = 0
    marked: int = 0
    cpu_m: int = 0
    memory: int = 0
    pods: int = 0
    smallest: Resources | None = None

    def count(self, node: _Node, sign: int) -> None:
        self.nodes += sign
        self.ready += sign * node.ready
        self.cordoned += sign * node.cordoned
        self.marked += sign * node.marked
        self.smallest = None  # found anew at the next question
        self.ask(Resources(cpu_m=node.cpu_m, memory=node.memory, pods=node.pods), sign)

    def ask(self, requests: Resources, sign: int) -> None:
        self.cpu_m += sign * requests.cpu_m
        self.memory += sign * requests.memory
        self.pods += sign * requests.pods


class Counts:
    """The numbers of one cluster. Each change returns the node pool that it concerns, None for none of a pool's."""

    def __init__(self, cloud: Cloud, installation: str, shapes: Mapping[str, NodeShape] | None = None) -> None:
        """Node pools are told by the labels of the vendor's nodes, our marks by the installation's name.

        `shapes` are those of nodes that were there before.
        """
        self._labels = cloud.pool_labels
        self._installation = installation
        self._nodes: dict[str, _Node] = {}
        self._pools: dict[str, _Pool] = {}
        self._unscheduled: dict[str, int] = {}
        self._waiting = Waiting()
        self._shapes = dict(shapes or {})

    def node(self, body: Body) -> str | None:
        """A node is there, or has changed."""
        known = self._nodes.setdefault(_name(body), _Node())
        if known.pool is not None:
            self._pools[known.pool].count(known, -1)
        labels = body["metadata"].get("labels") or {}
        # Names of pools are the same thousands of times: kept once.
        known.pool = next((intern(str(labels[label])) for label in self._labels if label in labels), None)
        known.ready = _is_ready(body)
        known.cordoned = bool((body.get("spec") or {}).get("unschedulable"))
        known.marked = bears_mark(body, self._installation)
        known.traits = traits_of(body)
        allocatable = (body.get("status") or {}).get("allocatable") or {}
        known.offers = offered(*(str(allocatable.get(name, 0)) for name in ("cpu", "memory", "pods")))
        if known.pool is not None:
            self._pools.setdefault(known.pool, _Pool()).count(known, 1)
        return known.pool

    def node_gone(self, body: Body) -> str | None:
        """A node is gone; its pods end by themselves."""
        known = self._nodes.get(_name(body))
        if known is not None and known.pool is not None and self._pools[known.pool].nodes == 1:
            self._shape(known.pool)  # what its nodes were like is remembered when the last one goes
        known = self._nodes.pop(_name(body), None)
        if known is None or known.pool is None:
            return None
        pool = known.pool
        self._pools[pool].count(known, -1)
        if not known.is_bare:
            # The ends of its pods are still to come: they must find what they took away from.
            known.pool, known.offers = None, Resources()
            known.ready = known.cordoned = known.marked = False
            self._nodes[_name(body)] = known
        return pool

    def pod(self, body: Body) -> str | None:
        """A pod was scheduled."""
        return self._ask(body, 1)

    def pod_gone(self, body: Body) -> str | None:
        """A scheduled pod has finished or is gone."""
        return self._ask(body, -1)

    def unscheduled(self, body: Body) -> str | None:
        """A pod waits for a node."""
        self._waiting.put(body)
        return self._wait(body, 1)

    def unscheduled_changed(self, body: Body) -> str | None:
        """What is known of a pod that waits has changed: its scheduler has tried it, or it asks for something else."""
        self._waiting.put(body)
        return None

    def unscheduled_no_more(self, body: Body) -> str | None:
        """A pod that waited for a node has got one, or is gone."""
        self._waiting.drop(body)
        return self._wait(body, -1)

    def counted(self, pool: str) -> Counted:
        """The numbers of a node pool; all zero for one of which no node is there."""
        unscheduled = self._unscheduled.get(pool, 0) + self._unscheduled.get(_ANY_POOL, 0)
        known = self._pools.get(pool)
        if known is None:
            return Counted(unscheduled=unscheduled)
        if known.smallest is None:
            known.smallest = smallest(node.offers for node in self._nodes.values() if node.pool == pool)
        requested = Resources(cpu_m=max(0, known.cpu_m), memory=max(0, known.memory), pods=max(0, known.pods))
        return Counted(
            nodes=known.nodes,
            ready=known.ready,
            cordoned=known.cordoned,
            marked=known.marked,
            needed=min(known.nodes, nodes_needed(requested, known.smallest)),
            unscheduled=unscheduled,
        )

    def crowd(self, pools: Iterable[str]) -> Crowd:
        """The pods that wait for a node, and what these node pools have for them."""
        return Crowd(
            groups=self._waiting.groups, more=self._waiting.more, pools={pool: self._rooms(pool) for pool in pools}
        )

    def shapes(self) -> Mapping[str, NodeShape]:
        """What the next node of each node pool would be like, by those that it has or had."""
        for pool in self._pools:
            self._shape(pool)
        return self._shapes

    def _shape(self, pool: str) -> NodeShape | None:
        nodes = [node for node in self._nodes.values() if node.pool == pool]
        seen = [node for node in nodes if node.ready] or nodes
        if seen:
            own = largest(node.own for node in seen)
            self._shapes[pool] = shape_of([node.traits for node in seen], smallest(node.offers for node in seen), own)
        return self._shapes.get(pool)

    def _rooms(self, pool: str) -> Rooms:
        shape = self._shape(pool)
        nodes = [node for node in self._nodes.values() if node.pool == pool]
        return Rooms(
            nodes=len(nodes),
            shape=shape,
            rooms=tuple(_room(node, shape) for node in nodes if shape is not None and _takes_pods(node, shape)),
            loads=tuple(node.others for node in nodes if node.pods > 0),
        )

    def _wait(self, body: Body, sign: int) -> str | None:
        if is_per_node(body):
            return None
        # Who selects a node pool by its label waits for that one; whatever else keeps it away is the scheduler's to know.
        selected = (body.get("spec") or {}).get("nodeSelector") or {}
        pool = next((str(selected[label]) for label in self._labels if label in selected), _ANY_POOL)
        self._unscheduled[pool] = max(0, self._unscheduled.get(pool, 0) + sign)
        return pool

    def load(self, pool: str) -> Load:
        """What the nodes of a pool offer and the pods on them request; all zero for one of which no node is there."""
        nodes = [node for node in self._nodes.values() if node.pool == pool]
        ready = [node for node in nodes if node.ready]
        unready = [node for node in nodes if not node.ready]
        return Load(
            ready=len(ready),
            asked=summed(node.asked for node in ready),
            offered=summed(node.offers for node in ready),
            unready=len(unready),
            unready_offered=summed(node.offers for node in unready),
        )

    def nodes(self, pool: str) -> list[SeenNode]:
        """The nodes of a pool, one by one."""
        return [
            SeenNode(name=name, ready=node.ready, cordoned=node.cordoned, marked=node.marked, filled=node.filled)
            for name, node in self._nodes.items()
            if node.pool == pool
        ]

    def _ask(self, body: Body, sign: int) -> str | None:
        name = (body.get("spec") or {}).get("nodeName")
        if not name:
            return None
        node, asked, own = self._nodes.setdefault(str(name), _Node()), requests_of(body["spec"]), is_per_node(body)
        node.ask(asked, sign, own=own)
        if node.pool is None:
            if node.is_bare:
                del self._nodes[str(name)]
        elif not own:
            self._pools[node.pool].ask(asked, sign)
            return node.pool
        return None


def _takes_pods(node: _Node, shape: NodeShape) -> bool:
    """Taints that others of the pool lack keep pods away; those of a node that is still starting will go."""
    return not node.cordoned and (not node.ready or node.traits.taints <= shape.taints)


def _room(node: _Node, shape: NodeShape) -> Room:
    # What DaemonSets take of a node that is starting is still to come.
    own = node.own if node.ready else largest((node.own, shape.own))
    return Room(free=less(less(node.offers, node.others), own), empty=node.pods <= 0, ready=node.ready)


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])


def _is_ready(body: Body) -> bool:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
