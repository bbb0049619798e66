"""The pods of a cluster that wait for a node, as far as their scheduler found none for them.

Kept by what they ask for, which is the same for all pods of a job; of the pod itself only its name, for as long as it waits.
Both are bounded, so a flood of pods costs no memory: whoever is left out is taken in when its scheduler tries it again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multicloud.kube.members.requests import requests_of
from multicloud.model.member import Resources
from multicloud.model.pods import PodGroup, PodShape, Requirement, Toleration

Body = Mapping[str, Any]

MOST_PODS: Final = 2000
MOST_SHAPES: Final = 200
"""Pods, and different ones among them, that are kept of a cluster."""
MOST_TEXT: Final = 4000
"""Characters that a pod's wishes may take."""

_PER_NODE: Final = frozenset({"DaemonSet", "Node"})
"""Owners whose pods come and go with each node: they need no node of their own. `Node` owns a kubelet's static pods."""

_COUNTED: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
"""Resources that a pod may ask for; of storage it is believed that nodes have enough."""

_HOST: Final = "kubernetes.io/hostname"
_STRANGE: Final = PodShape(asks=Resources(pods=1), strange=True)


class Waiting:
    """The pods that wait, by shape."""

    def __init__(self) -> None:
        """None."""
        self._pods: dict[str, PodShape] = {}
        self._groups: dict[PodShape, int] = {}
        self._shapes: dict[PodShape, PodShape] = {}
        self.more = False

    @property
    def groups(self) -> tuple[PodGroup, ...]:
        """What waits."""
        return tuple(PodGroup(shape=shape, pods=pods) for shape, pods in self._groups.items())

    def put(self, body: Body) -> None:
        """A pod without a node is there, or has changed."""
        self.drop(body)
        if not _waits(body):
            return
        shape = _shape(body)
        if len(self._pods) >= MOST_PODS or (shape not in self._groups and len(self._groups) >= MOST_SHAPES):
            self.more = True
            return
        shape = self._shapes.setdefault(shape, shape)
        self._pods[_name(body)] = shape
        self._groups[shape] = self._groups.get(shape, 0) + 1

    def drop(self, body: Body) -> None:
        """A pod waits no more."""
        shape = self._pods.pop(_name(body), None)
        if shape is None:
            return
        self._groups[shape] -= 1
        if not self._groups[shape]:
            del self._groups[shape], self._shapes[shape]
        self.more = self.more and bool(self._pods)


def is_per_node(body: Body) -> bool:
    """True for a pod that comes and goes with its node."""
    owners = body["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("kind") in _PER_NODE for owner in owners)


def _name(body: Body) -> str:
    return f"{body['metadata'].get('namespace')}/{body['metadata']['name']}"


def _waits(body: Body) -> bool:
    """True where a scheduler found no node and will not make room by preempting others, and nobody deletes the pod."""
    status = body.get("status") or {}
    if body["metadata"].get("deletionTimestamp") or status.get("nominatedNodeName") or is_per_node(body):
        return False
    conditions = status.get("conditions") or ()
    return any(
        each.get("type") == "PodScheduled" and each.get("status") == "False" and each.get("reason") == "Unschedulable"
        for each in conditions
    )


def _shape(body: Body) -> PodShape:
    spec = body.get("spec") or {}
    if spec.get("resourceClaims") or not _asks_for(spec) <= _COUNTED:
        return _STRANGE
    shape = PodShape(
        asks=requests_of(spec),
        selects=tuple(
            Requirement(key=str(key), operator="In", values=(str(value),))
            for key, value in sorted((spec.get("nodeSelector") or {}).items())
        ),
        terms=_terms(spec),
        tolerates=tuple(map(_toleration, spec.get("tolerations") or ())),
        apart=tuple(sorted({*_apart(body), *_host_ports(spec)})),
    )
    return shape if len(repr(shape)) <= MOST_TEXT else _STRANGE


def _asks_for(spec: Body) -> set[str]:
    parts = [spec, *(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return {str(name) for part in parts for name in ((part.get("resources") or {}).get("requests") or {})}


def _terms(spec: Body) -> tuple[tuple[Requirement, ...], ...] | None:
    """The terms of required node affinity. One that picks nodes by name fits no node that is still to come."""
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return None
    terms = (term for term in required.get("nodeSelectorTerms") or () if not term.get("matchFields"))
    return tuple(tuple(map(_requirement, term.get("matchExpressions") or ())) for term in terms)


def _requirement(each: Body) -> Requirement:
    values = tuple(str(value) for value in each.get("values") or ())
    return Requirement(key=str(each.get("key") or ""), operator=str(each.get("operator") or ""), values=values)


def _toleration(each: Body) -> Toleration:
    exists = each.get("operator") == "Exists"
    value = None if exists else str(each.get("value") or "")
    if each.get("operator") not in {None, "", "Equal", "Exists"}:
        return Toleration(key="?", value="?")  # compares numbers: which taints it covers is not worked out here
    return Toleration(key=str(each.get("key") or ""), value=value, effect=str(each.get("effect") or ""))


def _apart(body: Body) -> Iterator[str]:
    """Required anti-affinity to pods like itself, by host: one a node."""
    affinity = ((body.get("spec") or {}).get("affinity") or {}).get("podAntiAffinity") or {}
    labels = body["metadata"].get("labels") or {}
    for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
        selector = term.get("labelSelector") or {}
        wanted = selector.get("matchLabels") or {}
        if term.get("topologyKey") != _HOST or not _matches(selector, labels):
            continue
        yield f"{body['metadata'].get('namespace')}/{sorted(wanted.items())}{selector.get('matchExpressions') or ''}"


def _matches(selector: Body, labels: Mapping[str, Any]) -> bool:
    """True if the pod itself is one of those that it keeps away from."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    wanted = map(_requirement, selector.get("matchExpressions") or ())
    return all(each.met_by(labels.get(each.key)) for each in wanted)


def _host_ports(spec: Body) -> Sequence[str]:
    """Ports of the node itself, of which there is one each."""
    ports = [port for each in spec.get("containers") or () for port in each.get("ports") or ()]
    return [f"port {port['hostPort']}/{port.get('protocol', 'TCP')}" for port in ports if port.get("hostPort")]
