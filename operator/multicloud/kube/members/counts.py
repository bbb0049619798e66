"""What is kept of a cluster: a few numbers a node, sums a node pool, nothing a pod.

Fed by `watching` from lists and watch events. Pods come through a selector that only scheduled, unfinished ones pass, so
that the server itself says ADDED when one begins to count and DELETED, with its last state, when it ends
(docs/decisions/0018-nothing-kept-per-pod.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from multicloud.kube.members.marks import bears_mark
from multicloud.model.member import Counted, Load, Resources, SeenNode, nodes_needed
from multicloud.model.ref import Cloud

Body = Mapping[str, Any]

_PER_NODE = frozenset({"DaemonSet", "Node"})
"""Owners whose pods come and go with each node: they need no node of their own. `Node` owns a kubelet's static pods."""


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
        return Resources(
            cpu_m=max(0, self.cpu_m + self.own_cpu_m),
            memory=max(0, self.memory + self.own_memory),
            pods=max(0, self.pods + self.own_pods),
        )


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

    def __init__(self, cloud: Cloud, installation: str) -> None:
        """Node pools are told by the labels of the vendor's nodes, our marks by the installation's name."""
        self._labels = cloud.pool_labels
        self._installation = installation
        self._nodes: dict[str, _Node] = {}
        self._pools: dict[str, _Pool] = {}
        self._unscheduled: dict[str, int] = {}

    def node(self, body: Body) -> str | None:
        """A node is there, or has changed."""
        known = self._nodes.setdefault(_name(body), _Node())
        if known.pool is not None:
            self._pools[known.pool].count(known, -1)
        labels = body["metadata"].get("labels") or {}
        # Names of pools and what machines of one type offer are the same thousands of times: kept once.
        known.pool = next((intern(str(labels[label])) for label in self._labels if label in labels), None)
        known.ready = _is_ready(body)
        known.cordoned = bool((body.get("spec") or {}).get("unschedulable"))
        known.marked = bears_mark(body, self._installation)
        offered = (body.get("status") or {}).get("allocatable") or {}
        known.offers = _offered(*(str(offered.get(name, 0)) for name in ("cpu", "memory", "pods")))
        if known.pool is not None:
            self._pools.setdefault(known.pool, _Pool()).count(known, 1)
        return known.pool

    def node_gone(self, body: Body) -> str | None:
        """A node is gone; its pods end by themselves."""
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
        return self._wait(body, 1)

    def unscheduled_no_more(self, body: Body) -> str | None:
        """A pod that waited for a node has got one, or is gone."""
        return self._wait(body, -1)

    def counted(self, pool: str) -> Counted:
        """The numbers of a node pool; all zero for one of which no node is there."""
        unscheduled = self._unscheduled.get(pool, 0) + self._unscheduled.get(_ANY_POOL, 0)
        known = self._pools.get(pool)
        if known is None:
            return Counted(unscheduled=unscheduled)
        if known.smallest is None:
            known.smallest = _smallest(node.offers for node in self._nodes.values() if node.pool == pool)
        requested = Resources(cpu_m=max(0, known.cpu_m), memory=max(0, known.memory), pods=max(0, known.pods))
        return Counted(
            nodes=known.nodes,
            ready=known.ready,
            cordoned=known.cordoned,
            marked=known.marked,
            needed=min(known.nodes, nodes_needed(requested, known.smallest)),
            unscheduled=unscheduled,
        )

    def _wait(self, body: Body, sign: int) -> str | None:
        if _is_per_node(body):
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
            asked=_sum(node.asked for node in ready),
            offered=_sum(node.offers for node in ready),
            unready=len(unready),
            unready_offered=_sum(node.offers for node in unready),
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
        node, asked, own = self._nodes.setdefault(str(name), _Node()), _requests(body["spec"]), _is_per_node(body)
        node.ask(asked, sign, own=own)
        if node.pool is None:
            if node.is_bare:
                del self._nodes[str(name)]
        elif not own:
            self._pools[node.pool].ask(asked, sign)
            return node.pool
        return None


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])


def _is_ready(body: Body) -> bool:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _is_per_node(body: Body) -> bool:
    owners = body["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("kind") in _PER_NODE for owner in owners)


def _smallest(offers: Iterable[Resources]) -> Resources:
    """The least of each resource over the nodes: on mixed sizes it asks for more nodes rather than fewer."""
    every = list(offers)
    return Resources(
        cpu_m=min((one.cpu_m for one in every if one.cpu_m), default=0),
        memory=min((one.memory for one in every if one.memory), default=0),
        pods=min((one.pods for one in every if one.pods), default=0),
    )


def _requests(spec: Body) -> Resources:
    """What the scheduler counts for a pod: k8s.io/component-helpers resource.PodRequests.

    Containers and sidecars together, or the widest moment of starting up if that is more; the pod's own requests in
    their place where it has some; its runtime's overhead on top.
    """
    running = _sum(_asked(each) for each in spec.get("containers") or ())
    sidecars, starting = Resources(), Resources()
    for each in spec.get("initContainers") or ():
        asked = _asked(each)
        if each.get("restartPolicy") == "Always":
            sidecars = _sum((sidecars, asked))
            starting = _widest(starting, sidecars)
        else:
            starting = _widest(starting, _sum((sidecars, asked)))
    needed = _widest(_sum((running, sidecars)), starting)
    own = (spec.get("resources") or {}).get("requests") or {}
    whole = _resources(own)
    chosen = Resources(
        cpu_m=whole.cpu_m if "cpu" in own else needed.cpu_m, memory=whole.memory if "memory" in own else needed.memory
    )
    overhead = _resources(spec.get("overhead") or {})
    return Resources(cpu_m=chosen.cpu_m + overhead.cpu_m, memory=chosen.memory + overhead.memory, pods=1)


def _asked(container: Body) -> Resources:
    return _resources((container.get("resources") or {}).get("requests") or {})


def _sum(parts: Iterable[Resources]) -> Resources:
    every = list(parts)
    return Resources(
        cpu_m=sum(one.cpu_m for one in every),
        memory=sum(one.memory for one in every),
        pods=sum(one.pods for one in every),
    )


def _widest(one: Resources, other: Resources) -> Resources:
    return Resources(cpu_m=max(one.cpu_m, other.cpu_m), memory=max(one.memory, other.memory))


def _resources(quantities: Body) -> Resources:
    return Resources(
        cpu_m=_whole(quantities.get("cpu", 0), 1000),
        memory=_whole(quantities.get("memory", 0), 1),
        pods=_whole(quantities.get("pods", 0), 1),
    )


@lru_cache(maxsize=4096)
def _offered(cpu: str, memory: str, pods: str) -> Resources:
    return _resources({"cpu": cpu, "memory": memory, "pods": pods})


def _whole(quantity: object, per_unit: int) -> int:
    """A quantity in parts of its unit, rounded up."""
    parts: Decimal = parse_quantity(quantity) * per_unit
    return int(parts.to_integral_value(rounding="ROUND_CEILING"))
