"""What pods request and nodes offer, in the words of their objects: quantities into whole millicores, bytes and pods."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from multicloud.model.member import Resources

Body = Mapping[str, Any]


def requests_of(spec: Body) -> Resources:
    """What the scheduler counts for a pod: k8s.io/component-helpers resource.PodRequests.

    Containers and sidecars together, or the widest moment of starting up if that is more; the pod's own requests in
    their place where it has some; its runtime's overhead on top.
    """
    running = summed(_asked(each) for each in spec.get("containers") or ())
    sidecars, starting = Resources(), Resources()
    for each in spec.get("initContainers") or ():
        asked = _asked(each)
        if each.get("restartPolicy") == "Always":
            sidecars = summed((sidecars, asked))
            starting = _widest(starting, sidecars)
        else:
            starting = _widest(starting, summed((sidecars, asked)))
    needed = _widest(summed((running, sidecars)), starting)
    own = (spec.get("resources") or {}).get("requests") or {}
    whole = resources_of(own)
    chosen = Resources(
        cpu_m=whole.cpu_m if "cpu" in own else needed.cpu_m, memory=whole.memory if "memory" in own else needed.memory
    )
    overhead = resources_of(spec.get("overhead") or {})
    return Resources(cpu_m=chosen.cpu_m + overhead.cpu_m, memory=chosen.memory + overhead.memory, pods=1)


def _asked(container: Body) -> Resources:
    return resources_of((container.get("resources") or {}).get("requests") or {})


def summed(parts: Iterable[Resources]) -> Resources:
    """The sum of each resource."""
    every = list(parts)
    return Resources(
        cpu_m=sum(one.cpu_m for one in every),
        memory=sum(one.memory for one in every),
        pods=sum(one.pods for one in every),
    )


def smallest(parts: Iterable[Resources]) -> Resources:
    """The least of each resource over nodes: on mixed sizes it asks for more nodes rather than fewer."""
    every = list(parts)
    return Resources(
        cpu_m=min((one.cpu_m for one in every if one.cpu_m), default=0),
        memory=min((one.memory for one in every if one.memory), default=0),
        pods=min((one.pods for one in every if one.pods), default=0),
    )


def largest(parts: Iterable[Resources]) -> Resources:
    """The most of each resource."""
    every = list(parts)
    return Resources(
        cpu_m=max((one.cpu_m for one in every), default=0),
        memory=max((one.memory for one in every), default=0),
        pods=max((one.pods for one in every), default=0),
    )


def less(whole: Resources, part: Resources) -> Resources:
    """What is left of it."""
    return Resources(cpu_m=whole.cpu_m - part.cpu_m, memory=whole.memory - part.memory, pods=whole.pods - part.pods)


def _widest(one: Resources, other: Resources) -> Resources:
    return Resources(cpu_m=max(one.cpu_m, other.cpu_m), memory=max(one.memory, other.memory))


def resources_of(quantities: Body) -> Resources:
    """CPU, memory and pods of a list of quantities; what it lacks is nothing."""
    return Resources(
        cpu_m=_whole(quantities.get("cpu", 0), 1000),
        memory=_whole(quantities.get("memory", 0), 1),
        pods=_whole(quantities.get("pods", 0), 1),
    )


@lru_cache(maxsize=4096)
def offered(cpu: str, memory: str, pods: str) -> Resources:
    """What a node says that it offers; what machines of one type offer is the same thousands of times, kept once."""
    return resources_of({"cpu": cpu, "memory": memory, "pods": pods})


def _whole(quantity: object, per_unit: int) -> int:
    """A quantity in parts of its unit, rounded up."""
    parts: Decimal = parse_quantity(quantity) * per_unit
    return int(parts.to_integral_value(rounding="ROUND_CEILING"))
