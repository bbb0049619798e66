"""Judges every resize that the operator asks for, by the lab's journal and state and by the specs that were in force.

It shares no code with `decide` and reads no status: what it knows of a pool is what `kubectl apply` said, and what it
knows of node pools is what the lab holds. A rule that is in no spec is not asked for.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

from multicloud_lab.core.journal import Entry
from multicloud_lab.core.lab import PoolView
from support.interference.crowd import CLOUD_MOST, Place, zones_of

SAME_PASS_S = 20.0
"""Writes of one pool that lie closer together may be of one step: a write waits for its turn at the cloud's rate limit."""
FORCE_S = 30.0
"""How long a spec that was replaced may still be acted on: the pass that was under way, and its wait for its turn."""
BRAKE_S = 600.0

Fleet = Mapping[Place, PoolView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator was started with: nodes per ten minutes, and how old facts may be that it removes nodes on."""

    removed: int
    added: int
    known_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One resize that a cloud accepted from the operator: the fleet as it was right before."""

    at_s: float
    at: datetime
    place: Place
    origin: int
    to: int
    fleet: Fleet

    @property
    def gone(self) -> int:
        """Nodes that go and worked; what was asked for and has not come costs nobody anything."""
        return max(0, min(self.origin, self.fleet[self.place].ready) - self.to)

    @property
    def lost(self) -> int:
        """Ready nodes that go at the worst.

        What GKE still creates is taken to go before what works. Google says no more than that an arbitrary order takes a
        VM's status into account (Compute Engine, instanceGroupManagers.resize); docs/reliability.md says what that leaves open.
        """
        seen = self.fleet[self.place]
        there = seen.ready if self.place.cloud == "gcp" else seen.nodes
        return min(seen.ready, max(0, there - self.to))


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A pool's object until it was replaced (None: it stands)."""

    spec: Mapping[str, Any]
    annotations: Mapping[str, str]
    until_s: float | None = None

    def member(self, place: Place) -> Mapping[str, Any] | None:
        """The member that names a node pool."""
        return next((member for member in self.spec["members"] if place_named(member) == place), None)

    def consents(self, member: Mapping[str, Any]) -> bool:
        """True when the size that a member was found at is no floor."""
        adopted = {name.strip() for name in self.annotations.get("multicloud.dev/adopt", "").split(",")}
        everywhere = self.spec.get("adoption") == "Apply" or member.get("state") == "Drain"
        return everywhere or bool(adopted & {member["name"], "*"})


@dataclass(slots=True)
class _Case:
    """What is known of one pool."""

    versions: list[Version] = field(default_factory=list)
    floors: dict[Place, int] = field(default_factory=dict)
    removals: dict[Place, Ask] = field(default_factory=dict)
    step: list[Ask] = field(default_factory=list)
    ended_s: float = float("-inf")


def place_named(member: Mapping[str, Any]) -> Place:
    """The node pool that a member's entry names."""
    if "eks" in member:
        return Place(cloud="aws", cluster=member["eks"]["cluster"], node_pool=member["eks"]["nodeGroup"])
    if "aks" in member:
        return Place(cloud="azure", cluster=member["aks"]["cluster"], node_pool=member["aks"]["agentPool"])
    return Place(cloud="gcp", cluster=member["gke"]["cluster"], node_pool=member["gke"]["nodePool"])


class Judge:
    """Told what is applied, what the fleet is after each move of time, and what is asked for; keeps what was broken."""

    def __init__(self, limits: Limits) -> None:
        """Know nothing yet."""
        self.breaches: list[str] = []
        self.asks = 0
        self.removed = 0
        self._limits = limits
        self._cases: dict[str, _Case] = {}
        self._fleet: Fleet = {}
        self._ready: dict[Place, deque[tuple[float, int]]] = {}
        self._recent: deque[Ask] = deque()
        self._ill: dict[str, int] = {}
        self._mended_s: dict[str, float] = {}

    def broke(self, cloud: str) -> None:
        """A cloud does not answer as it should from now on."""
        self._ill[cloud] = self._ill.get(cloud, 0) + 1

    def mended(self, cloud: str, now_s: float) -> None:
        """One thing less is wrong with a cloud; it may not have been seen for a while."""
        self._ill[cloud] -= 1
        self._mended_s[cloud] = now_s

    def applied(self, name: str, body: Mapping[str, Any], now_s: float) -> None:
        """A pool was made or edited."""
        case = self._cases.setdefault(name, _Case())
        if case.versions:
            case.versions[-1] = replace(case.versions[-1], until_s=now_s)
        version = Version(spec=body["spec"], annotations=body["metadata"].get("annotations") or {})
        case.versions = [one for one in case.versions if one.until_s is None or one.until_s > now_s - FORCE_S]
        case.versions.append(version)
        named = {place_named(member): member for member in version.spec["members"]}
        case.floors = {place: floor for place, floor in case.floors.items() if place in named}
        known = {place_named(member) for one in case.versions[:-1] for member in one.spec["members"]}
        for place, member in named.items():
            if version.consents(member):
                case.floors.pop(place, None)
            elif place not in known and place in self._fleet:
                case.floors[place] = self._fleet[place].requested

    def anew(self, place: Place) -> None:
        """A node pool was made again under its name: it is taken over again, at the size that it will be seen with.

        Not on AKS: the hand is done before anybody looks again, and an agent pool has no id that would tell
        (docs/decisions/0022-another-node-pool.md).
        """
        if place.cloud == "azure":
            return
        for case in self._cases.values():
            version = case.versions[-1]
            member = version.member(place)
            if member is not None and not version.consents(member):
                case.floors[place] = self._fleet[place].requested

    def saw(self, fleet: Fleet, now_s: float) -> None:
        """The fleet as it is before the operator acts again."""
        self._fleet = fleet
        for place, view in fleet.items():
            seen = self._ready.setdefault(place, deque())
            if not seen or seen[-1][1] != view.ready:
                seen.append((now_s, view.ready))
            # The last one before the horizon stands: it was true until the next.
            while len(seen) > 1 and seen[1][0] < now_s - self._limits.known_s:
                seen.popleft()
        for case in self._cases.values():
            for place, floor in case.floors.items():
                if place in fleet:
                    case.floors[place] = min(floor, fleet[place].requested)
            for place, ask in list(case.removals.items()):
                if place in fleet and fleet[place].nodes > ask.to == fleet[place].requested:
                    continue
                del case.removals[place]
                if place in fleet and fleet[place].requested == ask.to:
                    case.ended_s = now_s

    def asked(self, entry: Entry, now_s: float, now: datetime) -> None:
        """A cloud accepted a size from the operator."""
        assert entry.to is not None
        assert entry.from_ is not None
        place = Place(cloud=entry.cloud, cluster=str(entry.cluster), node_pool=str(entry.pool))
        ask = Ask(at_s=now_s, at=now, place=place, origin=entry.from_, to=entry.to, fleet=self._fleet)
        self.asks += 1
        self.removed += ask.gone
        self._recent.append(ask)
        while self._recent[0].at_s <= now_s - BRAKE_S:
            self._recent.popleft()
        found = [(name, case) for name, case in self._cases.items() if any(v.member(place) for v in case.versions)]
        said = list(self._over_the_brake())
        if not found:
            said.append("no object names it")
        for name, case in found:
            # A pass under way may act on the spec that has just been replaced, so one of them has to allow it.
            verdicts = [
                list(self._against(version, ask))
                for version in case.versions
                if version.until_s is None or version.until_s > now_s - FORCE_S
            ]
            said += [f"{name}: {why}" for why in min(verdicts, key=len)]
            said += [f"{name}: {why}" for why in self._against_steps(case, ask)]
        self.breaches += [f"{now_s:.0f} s: {place} {ask.origin} → {ask.to}: {why}" for why in said]
        if place in self._fleet:
            # What was accepted counts for what is asked next, in the same moment too.
            self._fleet = {**self._fleet, place: replace(self._fleet[place], requested=ask.to)}

    def _against(self, version: Version, ask: Ask) -> Iterator[str]:
        member = version.member(ask.place)
        if member is None:
            yield "no member names it any more"
            return
        yield from _closed(version, member, ask)
        yield from _out_of_bounds(member, ask)
        if ask.to > ask.origin:
            yield from self._above_maximum(version, member, ask)
        if ask.to < ask.origin:
            yield from self._below_minimum(version, member, ask)

    def _above_maximum(self, version: Version, member: Mapping[str, Any], ask: Ask) -> Iterator[str]:
        """What works already and what is asked for stays below maxReplicas, but for whole nodes and whole steps.

        What goes may stand a while beside what came for it: maxSurgePercent.
        """
        works = 0
        for other in version.spec["members"]:
            place = place_named(other)
            if place == ask.place or place not in ask.fleet or self._is_replaced(version, place, ask.at_s):
                continue
            works += min(ask.fleet[place].ready, ask.fleet[place].requested) * _units(other)
        slack = max(_units(each) * zones_of(place_named(each)) for each in version.spec["members"]) - 1
        total = works + ask.to * _units(member)
        surge = ceil(version.spec["maxReplicas"] * _disruption(version, "maxSurgePercent") / 100)
        if total > version.spec["maxReplicas"] + surge + slack:
            yield f"{total} units work or are asked for, and maxReplicas is {version.spec['maxReplicas']}"

    def _is_replaced(self, version: Version, place: Place, now_s: float) -> bool:
        """True when the spec lets others grow for it: nobody may know that it works all the while."""
        replace_it = version.spec.get("failover", {}).get("whenUnreachable") == "Replace"
        lately = now_s < self._mended_s.get(place.cloud, float("-inf")) + self._limits.known_s
        return replace_it and (lately or self._ill.get(place.cloud, 0) > 0)

    def _below_minimum(self, version: Version, member: Mapping[str, Any], ask: Ask) -> Iterator[str]:
        """Ready units that are left, as far as anybody could know: a node lost a moment ago may not have been seen."""
        if not ask.lost:
            return
        known = 0
        for other in version.spec["members"]:
            seen = self._ready.get(place_named(other))
            known += max(ready for _, ready in seen) * _units(other) if seen else 0
        left = known - ask.lost * _units(member)
        if left < version.spec["minReplicas"]:
            yield f"{left} ready units are left of {known}, and minReplicas is {version.spec['minReplicas']}"

    def _against_steps(self, case: _Case, ask: Ask) -> Iterator[str]:
        if ask.to >= ask.origin:
            return
        floor = case.floors.get(ask.place)
        if floor is not None and ask.to < floor:
            yield f"it was found with {floor} nodes, and nobody consented"
        if not ask.gone:
            return
        case.step = [one for one in case.step if one.at_s > ask.at_s - SAME_PASS_S]
        for place, before in case.removals.items():
            if before.at_s <= ask.at_s - SAME_PASS_S and place != ask.place:
                yield f"the removal from {place} of {ask.at_s - before.at_s:.0f} s ago has not ended"
        pause_s = min(_disruption(version, "stepPauseSeconds") for version in case.versions)
        if not case.step and ask.at_s < case.ended_s + pause_s:
            yield f"the step before ended {ask.at_s - case.ended_s:.0f} s ago, and {pause_s} s are to rest"
        case.step.append(ask)
        case.removals[ask.place] = ask
        gone = sum(one.gone for one in case.step)
        most = max(most_per_step(version, ask.place) for version in case.versions)
        if gone > most:
            yield f"{gone} nodes go in one step, and {most} may"

    def _over_the_brake(self) -> Iterator[str]:
        for cloud in ("", "aws", "azure", "gcp"):
            asks = [ask for ask in self._recent if cloud in {"", ask.place.cloud}]
            removed = sum(ask.gone for ask in asks)
            added = sum(max(0, ask.to - ask.origin) for ask in asks)
            if removed > self._limits.removed:
                yield f"{removed} nodes removed in ten minutes {cloud}, and {self._limits.removed} may be"
            if added > self._limits.added:
                yield f"{added} nodes added in ten minutes {cloud}, and {self._limits.added} may be"


def _closed(version: Version, member: Mapping[str, Any], ask: Ask) -> Iterator[str]:
    """What nobody may write to at all, or not in this direction."""
    if version.spec.get("mode") == "Plan":
        yield "mode is Plan"
    if version.spec.get("paused") or version.annotations.get("multicloud.dev/paused") == "true":
        yield "the pool is paused"
    if member.get("state") == "Frozen":
        yield "the member is frozen"
    if member.get("state") == "Drain" and ask.to > ask.origin:
        yield "the member is drained"
    windows = version.spec.get("disruption", {}).get("windows", ())
    drained = member.get("state") == "Drain"
    if windows and ask.gone and not drained and not any(_is_open(window, ask.at) for window in windows):
        yield "no window is open"
    if version.annotations.get("multicloud.dev/paused-scale-in") == "true" and ask.to < ask.origin:
        yield "removals are paused"


def _out_of_bounds(member: Mapping[str, Any], ask: Ask) -> Iterator[str]:
    """A size on the way down may still be above the bounds, one on the way up still below them."""
    ranged = ask.place.cloud == "aws" and member.get("cloudRange") != "Widen"
    most = min(member["maxNodes"], CLOUD_MOST) if ranged else member["maxNodes"]
    least = 0 if member.get("state") == "Drain" else member.get("minNodes", 0)
    if ask.to > ask.origin and ask.to > most:
        yield f"at most {most} nodes may be asked for"
    if ask.to < ask.origin and ask.to < least:
        yield f"at least {least} nodes must be asked for"
    if ask.to != ask.origin and ask.to % zones_of(ask.place):
        yield f"sizes here are multiples of {zones_of(ask.place)}"


def _units(member: Mapping[str, Any]) -> int:
    units: int = member.get("unitsPerNode", 1)
    return units


def _disruption(version: Version, name: str) -> int:
    """A limit of the spec, or its default as `docs/scale-down.md` has it."""
    usual = {"maxUnavailablePercent": 10, "maxNodesPerStep": 20, "stepPauseSeconds": 300, "maxSurgePercent": 10}
    value: int = version.spec.get("disruption", {}).get(name, usual[name])
    return value


def most_per_step(version: Version, place: Place) -> int:
    """The most nodes that one step may take: of as many units as may ever be desired, one legal size in any case.

    A maxUnavailablePercent of 100 is no limit, as the schema says: what hands added above maxReplicas may go with the rest.
    """
    nodes, percent = _disruption(version, "maxNodesPerStep"), _disruption(version, "maxUnavailablePercent")
    if percent < 100:
        units = ceil(version.spec["maxReplicas"] * percent / 100)
        smallest = min(_units(member) for member in version.spec["members"])
        nodes = min(nodes, ceil(units / smallest))
    return max(zones_of(place), nodes)


def _is_open(window: Mapping[str, Any], now: datetime) -> bool:
    """True inside a window of every hour, or of every day, in UTC: the only ones that the twenty pools have."""
    minute, hour = window["schedule"].split()[:2]
    began = now.replace(minute=int(minute), second=0, microsecond=0)
    if hour != "*":
        began = began.replace(hour=int(hour))
    since_s = (now - began).total_seconds() % (3600 if hour == "*" else 86_400)
    length_s: float = window["durationSeconds"]
    return since_s <= length_s
