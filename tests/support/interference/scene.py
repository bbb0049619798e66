"""The twenty pools with a judge beside them: he sees the fleet at every move of time and every size that was asked for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multicloud.settings import Guard, Observe
from multicloud_lab.core.journal import Entry
from multicloud_lab.core.lab import Lab
from multicloud_lab.thread import LabThread
from support.interference.crowd import CLOUDS, KINDS, Place, body_of, name_of, zones_of
from support.interference.judge import Fleet, Judge, Limits, place_named
from support.world import World, pool_key

INTERVAL_S = 240.0
FRESH_INTERVALS = 3
GUARD = Guard(max_removed_percent=0, max_removed_nodes=8, max_added_percent=0, max_added_nodes=30)
OBSERVE = Observe(interval_s=INTERVAL_S, describe_s=7200, busy_min_s=20, busy_max_s=60)
OTHERS = frozenset({"hand", "autoscaler", "cloud", "admin"})
"""Principals of the journal that are not the operator."""


class Scene(World):
    """A World that is judged at every step."""

    def __init__(self, lab: LabThread) -> None:
        """Set the brake low, so that it binds, and look less often than usual, because thirty days are long."""
        super().__init__(lab, guard=GUARD, observe=OBSERVE)
        known_s = FRESH_INTERVALS * INTERVAL_S + self.settings.call_timeout_s
        self.judge = Judge(
            Limits(removed=GUARD.max_removed_nodes, added=GUARD.max_added_nodes, known_s=known_s),
        )
        self.steps = 0
        self.accepted: list[Entry] = []
        lab.run(lambda lab: lab.journal.listen(self._journalled))
        self._look(lab.run(fleet_of))

    def given_pools(self) -> None:
        """Apply the twenty."""
        for number in range(len(KINDS)):
            name, spec = body_of(number)
            self.pool(name, **spec)

    def apply(self, body: Mapping[str, Any]) -> None:
        """`kubectl apply`, told to the judge."""
        super().apply(body)
        if body["kind"] == "MultiCloudPool":
            self.judge.applied(body["metadata"]["name"], body, self.clock.monotonic())

    def meddled(self) -> None:
        """A hand acted just now: what was is no more."""
        self._look(self.lab.run(fleet_of))

    @property
    def noise(self) -> Mapping[str, object]:
        """What is written at rest, where anything is: a plan that waits for consent is made anew every hour."""
        planning = {pool_key(name_of(number)) for number, kind in enumerate(KINDS) if kind.spec.get("mode") == "Plan"}
        versions = {
            str(key): body["metadata"]["resourceVersion"]
            for key, body in self.cluster.objects.items()
            if key not in planning
        }
        return {**versions, "events": len(self.cluster.events), "resizes": self.judge.asks}

    def wanting(self) -> list[str]:
        """What pools lack that may act: a sentence for each."""
        return [why for number, kind in enumerate(KINDS) if kind.acts for why in self._lacks(name_of(number))]

    def _lacks(self, name: str) -> Iterator[str]:
        spec, fleet = self.spec(name), self.lab.run(fleet_of)
        ready = sum(fleet[place_named(each)].ready * each.get("unitsPerNode", 1) for each in spec["members"])
        # What somebody takes from a member that drains does not come back.
        grows = [each for each in spec["members"] if each.get("state") != "Drain"]
        room = sum(each["maxNodes"] * each.get("unitsPerNode", 1) for each in grows)
        if ready < min(spec["minReplicas"], room):
            yield f"{name}: {ready} units are ready, and minReplicas is {spec['minReplicas']}"
        if _may_be_carried(spec, grows, room) and self.condition("Ready", name)[0] != "True":
            yield f"{name}: Ready is {self.condition('Ready', name)}"

    def _journalled(self, entry: Entry) -> None:
        # On the lab's loop; read on the test's own when everything is quiet.
        if entry.cloud in CLOUDS and entry.effective and entry.to is not None and entry.principal not in OTHERS:
            self.accepted.append(entry)

    def _advance(self, to_s: float) -> None:
        delta_s = to_s - self.clock.monotonic()
        if delta_s <= 0:
            return
        self._judge()

        def move(lab: Lab) -> Fleet:
            lab.clock.advance(delta_s)
            return fleet_of(lab)

        fleet = self.lab.run(move)
        self.clock.advance_to(to_s)
        self._look(fleet)
        self.steps += 1

    def _judge(self) -> None:
        asked, self.accepted = self.accepted, []
        for entry in asked:
            self.judge.asked(entry, self.clock.monotonic(), self.clock.now())

    def _look(self, fleet: Fleet) -> None:
        self.judge.saw(fleet, self.clock.monotonic())


def _may_be_carried(spec: Mapping[str, Any], grows: Sequence[Mapping[str, Any]], room: int) -> bool:
    """True when whole nodes of the members that may grow reach the wish and pass maxReplicas for minReplicas alone.

    A pool that lacks for long what it wishes for is not Ready, whatever keeps it from having it.
    """
    least, most = int(spec["minReplicas"]), int(spec["maxReplicas"])
    wished = min(max(spec.get("replicas") or 0, least), most)
    step = min((each.get("unitsPerNode", 1) * zones_of(place_named(each)) for each in grows), default=1)
    return wished <= room and (-(-wished // step) * step <= most or wished == least)


def fleet_of(lab: Lab) -> Fleet:
    """Every node pool of the lab as it is now."""
    return {Place(cloud=view.cloud, cluster=view.cluster, node_pool=view.node_pool): view for view in lab.fleet}
