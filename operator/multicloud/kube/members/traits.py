"""What a node looks like to a scheduler: its labels and the taints that are its own, and what those of a pool share.

Most nodes of a pool have the same: they are kept once for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from multicloud.model.member import Resources
from multicloud.model.pods import NodeShape, Taint

_HOST: Final = "kubernetes.io/hostname"

_OF_A_MOMENT: Final = (
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "startup-taint.cluster-autoscaler.kubernetes.io/",
    "ignore-taint.cluster-autoscaler.kubernetes.io/",
)
"""Taints that tell of a node's present state, or that it is still starting: the next node will lose them, too."""

_KEEPS_AWAY: Final = frozenset({"NoSchedule", "NoExecute"})

MOST_LABELS: Final = 128
"""Labels kept of a node; what comes after them, by name, counts as one that differs."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Labels without the host's name, and the taints that keep pods away."""

    labels: tuple[tuple[str, str], ...] = ()
    taints: frozenset[Taint] = frozenset()


def traits_of(body: Mapping[str, Any]) -> Traits:
    """What a node looks like."""
    labels = (body["metadata"].get("labels") or {}).items()
    pairs = sorted((str(name), str(value)) for name, value in labels if name != _HOST)[:MOST_LABELS]
    taints = (
        (str(each.get("key") or ""), str(each.get("value") or ""), str(each.get("effect") or ""))
        for each in (body.get("spec") or {}).get("taints") or ()
    )
    return _kept(tuple(pairs), tuple(sorted(taints)))


def shape_of(traits: Sequence[Traits], offers: Resources, own: Resources) -> NodeShape:
    """What nodes share, of which one at least is known."""
    pairs = [frozenset(one.labels) for one in set(traits)]
    shared = frozenset.intersection(*pairs)
    varied = {name for name, _ in frozenset.union(*pairs) - shared}
    taints = frozenset.intersection(*(one.taints for one in set(traits)))
    return NodeShape(offers=offers, own=own, labels=dict(shared), varied=frozenset({*varied, _HOST}), taints=taints)


@lru_cache(maxsize=4096)
def _kept(labels: tuple[tuple[str, str], ...], taints: tuple[tuple[str, str, str], ...]) -> Traits:
    own = (Taint(key=key, value=value, effect=effect) for key, value, effect in taints)
    lasting = (one for one in own if one.effect in _KEEPS_AWAY and not one.key.startswith(_OF_A_MOMENT))
    return Traits(labels=labels, taints=frozenset(lasting))
