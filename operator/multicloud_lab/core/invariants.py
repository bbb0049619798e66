"""What must hold in a lab at every moment, whatever was called, done by hand, or went wrong.

Each cloud adds its own (`Engine.violations`): ranges, exclusive operations, operations that end.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from multicloud_lab.core.capacity import vcpus
from multicloud_lab.core.lab import Lab, MachineGroup
from multicloud_lab.core.nodes import NodeState


def check(lab: Lab) -> list[str]:
    """Return a sentence for every invariant that is broken; none in a sound lab."""
    groups = lab.machines()
    return [
        *_groups(groups),
        *_pools(lab, groups),
        *_quotas(lab, groups),
        *_journal(lab),
        *(sentence for engine in lab.engines.values() for sentence in engine.violations()),
    ]


def _groups(groups: Iterable[MachineGroup]) -> Iterable[str]:
    names: Counter[tuple[str, str]] = Counter()
    for group in groups:
        place, nodes = f"{group.cloud}/{group.cluster}/{group.node_pool}", group.nodes
        if nodes.target < 0 or nodes.alive > nodes.target + nodes.surge:
            yield f"{place}: {nodes.alive} nodes live, but {nodes.target} and a surge of {nodes.surge} are wished"
        for node in nodes.nodes:
            names[group.account, node.name] += 1
            if node.zone not in nodes.zones:
                yield f"{place}: {node.name} is in {node.zone}, but the group's zones are {', '.join(nodes.zones)}"
            moving = node.timer is not None and node.timer.pending
            if moving is (node.state is NodeState.READY):
                yield f"{place}: {node.name} is {node.state}, but {'has' if moving else 'nothing'} moves it on"
    for (account, name), count in names.items():
        if count > 1:
            yield f"{count} machines of {account} are called {name}"


def _pools(lab: Lab, groups: Iterable[MachineGroup]) -> Iterable[str]:
    existing: Counter[tuple[str, str, str]] = Counter()
    for group in groups:
        existing[group.cloud, group.cluster, group.node_pool] += group.nodes.existing
    shown: Counter[tuple[str, str, str]] = Counter()
    for pool in lab.fleet:
        shown[pool.cloud, pool.cluster, pool.node_pool] += pool.nodes
        if not 0 <= pool.ready <= pool.nodes or pool.requested < 0:
            yield f"{pool}: 0 ≤ ready ≤ nodes and 0 ≤ requested do not hold"
    for place in existing.keys() | shown.keys():
        if existing[place] != shown[place]:
            yield f"{'/'.join(place)}: {shown[place]} nodes are shown, but there are {existing[place]} machines"


def _quotas(lab: Lab, groups: Iterable[MachineGroup]) -> Iterable[str]:
    nodes: Counter[tuple[str, str, str]] = Counter()
    cores: Counter[tuple[str, str, str]] = Counter()
    for group in groups:
        place = (group.cloud, group.account, group.region)
        nodes[place] += group.nodes.existing
        cores[place] += sum(vcpus(group.type_of(node)) for node in group.nodes.nodes)
    for place in nodes:
        used = lab.quotas.used(*place)
        if (used.nodes, used.vcpus) != (nodes[place], cores[place]):
            yield f"quota {'/'.join(place)}: {used} are counted, but there are {nodes[place]} nodes, {cores[place]} vCPUs"


def _journal(lab: Lab) -> Iterable[str]:
    entries = lab.journal.entries()
    for earlier, later in pairwise(entries):
        if later.time < earlier.time or later.seq != earlier.seq + 1:
            yield f"journal: entry {later.seq} does not follow entry {earlier.seq}"
    for entry in entries:
        if entry.effective and not entry.result.startswith("2"):
            yield f"journal: entry {entry.seq} was refused ({entry.result}), but says that it changed something"
