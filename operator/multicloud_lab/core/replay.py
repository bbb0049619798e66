"""Replay: what a journal says was done, done again on a fresh lab, must lead to the same state.

`play` needs the journal's entries and a lab of the same seed; `differences` compares what stands at the
end: pools, every machine with its state and since when, stocks and quotas.
"""

import json
from collections.abc import Iterable

from multicloud_lab.core.hands import Hands
from multicloud_lab.core.journal import KUBERNETES, Entry
from multicloud_lab.core.knobs import turn_again
from multicloud_lab.core.lab import Lab, RefusedError


class ReplayError(Exception):
    """A journalled change cannot be made again; the text names the entry."""


def play(entries: Iterable[Entry], lab: Lab, until_s: float) -> None:
    """Do everything again on `lab`, each at its time, and go on to `until_s` (virtual epoch seconds).

    Only what was accepted is done again. Raises ReplayError.
    """
    hands = Hands(lab)
    for entry in entries:
        if not entry.result.startswith("2"):
            continue
        lab.clock.advance_to(entry.time)
        if entry.cloud == KUBERNETES:
            _cordon_again(entry, lab)
            continue
        try:
            if turn_again(lab, entry) or hands.replay(entry):
                continue
            lab.engines[entry.cloud].replay(entry)
        except (RefusedError, KeyError, ValueError) as error:
            message = f"entry {entry.seq} ({entry.cloud} {entry.operation} by {entry.principal}) is refused: {error}"
            raise ReplayError(message) from error
    lab.clock.advance_to(until_s)


def differences(one: Lab, other: Lab) -> list[str]:
    """Return a sentence for everything that stands differently in two labs; none for equal ones."""
    was, now = _state(one), _state(other)
    return [
        f"{place}: {was.get(place, 'absent')} in the one, {now.get(place, 'absent')} in the other"
        for place in sorted(was.keys() | now.keys())
        if was.get(place) != now.get(place)
    ]


def _cordon_again(entry: Entry, lab: Lab) -> None:
    """Close a node to new pods, or open it: all that a member cluster is asked for and that moves machines later."""
    if entry.operation != "nodes.patch" or not entry.effective:
        return
    asked = entry.arguments
    spec = json.loads(str(asked["patch"])).get("spec") or {}
    if "unschedulable" not in spec:
        return
    for group in lab.machines():
        if (group.cloud, group.account, group.cluster) == (asked["cloud"], asked["account"], entry.cluster):
            for node in group.nodes.nodes:
                if group.node_name(node) == asked["name"]:
                    node.cordoned = bool(spec["unschedulable"])


def _state(lab: Lab) -> dict[str, str]:
    state = {f"{pool.cloud}/{pool.cluster}/{pool.node_pool}": str(pool) for pool in lab.fleet}
    for group in lab.machines():
        place = f"{group.cloud}/{group.cluster}/{group.node_pool}"
        nodes = group.nodes
        for node in nodes.nodes:
            state[f"{place}: machine {node.name} in {node.zone}"] = f"{node.state} since {node.since:.6f}"
        key = f"{place}: target in {','.join(nodes.zones)}"
        state[key] = f"{nodes.target}+{nodes.surge}, not launched {nodes.not_launched}"
    for stock in lab.capacity.stocks():
        state[f"stock {stock.cloud} {stock.zone} {stock.type}"] = str(stock.free)
    for account, limit in lab.quotas.limits().items():
        state[f"quota {'/'.join(account)}"] = f"{limit}, used {lab.quotas.used(*account)}"
    return state
