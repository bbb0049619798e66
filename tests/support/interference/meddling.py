"""The hands that meddle: people, autoscalers, upgrades, reclaimed spot machines, broken clouds, edits, a crash.

One act at a time, drawn by chance; what breaks something mends it again after a while. Clouds refuse many of them, as
they do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from json import dumps
from random import Random
from typing import Any

from multicloud_lab.core.faultkinds import Answer, LostResponse, OperationFail, Partial, SlowNodes, Stockout, Throttle
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.lab import RefusedError
from support.interference.crowd import CLOUDS, KINDS, STRANGER, Place, name_of, place_of
from support.interference.scene import Scene

ADOPT = "multicloud.dev/adopt"
OVERRIDE = "multicloud.dev/override"
PAUSED = "multicloud.dev/paused"
SCALE_IN_PAUSED = "multicloud.dev/paused-scale-in"

_BREAKAGES: Sequence[Any] = (
    Answer(status=503),
    Answer(status=500),
    Throttle(burst=1, per_s=0.05),
    LostResponse(),
    OperationFail(),
    Partial(nodes=1),
    SlowNodes(factor=8),
    Stockout(),
)


@dataclass(slots=True)
class Meddlers:
    """Everybody who acts beside the operator."""

    scene: Scene
    chance: Random
    acts: int = 0
    refused: int = 0
    mends: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    async def act(self) -> None:
        """Do one thing."""
        self.acts += 1
        kinds: Sequence[tuple[int, Callable[[], Any]]] = (
            (24, self._person),
            (8, self._autoscaler),
            (6, self._upgrade),
            (8, self._spot),
            (6, self._machine_dies),
            (2, self._made_again),
            (26, self._wish),
            (10, self._edit),
            (6, self._annotation),
            (8, self._breakage),
            (1, self._kubernetes_away),
            (2, self._crash),
        )
        (act,) = self.chance.choices([act for _, act in kinds], [weight for weight, _ in kinds])
        try:
            done = act()
            if done is not None:
                await done
        except RefusedError:
            self.refused += 1
        self.scene.meddled()

    def mend(self, *, everything: bool = False) -> None:
        """Mend what was broken long enough."""
        now_s = self.scene.clock.monotonic()
        due = [mend for at_s, mend in self.mends if everything or at_s <= now_s]
        self.mends = [] if everything else [one for one in self.mends if one[0] > now_s]
        for mend in due:
            mend()
        self.scene.meddled()

    def _any_place(self) -> Place:
        number = self.chance.randrange(len(KINDS))
        if self.chance.random() < 0.05:
            return Place(cloud=self.chance.choice(CLOUDS), cluster=f"c{number % 2}", node_pool=STRANGER)
        return place_of(number, self.chance.choice(KINDS[number].clouds))

    def _by_hand(self, act: Callable[[Hands], Any]) -> None:
        self.scene.lab.hands(act)

    def _size(self, place: Place) -> int:
        views = self.scene.lab.run(lambda lab: lab.fleet)
        return next(
            view.requested
            for view in views
            if (view.cloud, view.cluster, view.node_pool) == (place.cloud, place.cluster, place.node_pool)
        )

    def _another_size(self, place: Place) -> int:
        return max(0, self._size(place) + self.chance.choice((-6, -3, -2, -1, 1, 2, 3, 6)))

    def _person(self) -> None:
        place = self._any_place()
        to = self._another_size(place)
        self._by_hand(lambda hands: hands.resize(place.cloud, place.cluster, place.node_pool, to))

    def _autoscaler(self) -> None:
        numbers = [number for number, kind in enumerate(KINDS) if kind.autoscaled or "aws" in kind.clouds]
        number = self.chance.choice(numbers)
        kind = KINDS[number]
        place = place_of(number, self.chance.choice(kind.clouds) if kind.autoscaled else "aws")
        to = self._another_size(place)
        self._by_hand(lambda hands: hands.autoscale(place.cloud, place.cluster, place.node_pool, to))

    def _upgrade(self) -> None:
        place, seconds = self._any_place(), self.chance.uniform(300, 1800)
        self._by_hand(lambda hands: hands.upgrade(place.cloud, place.cluster, place.node_pool, seconds))

    def _spot(self) -> None:
        cloud, nodes = self.chance.choice(CLOUDS), self.chance.choice((1, 2, None))
        self._by_hand(lambda hands: hands.reclaim_spot(cloud, nodes=nodes))

    def _machine_dies(self) -> None:
        groups = [group for group in self.scene.lab.run(lambda lab: lab.machines()) if group.nodes.nodes]
        group = self.chance.choice(groups)
        name = self.chance.choice([node.name for node in group.nodes.nodes])
        self._by_hand(lambda hands: hands.kill_node(group.cloud, name))

    def _made_again(self) -> None:
        place = self._any_place()
        self._by_hand(lambda hands: hands.recreate(place.cloud, place.cluster, place.node_pool))
        self.scene.meddled()
        self.scene.judge.anew(place)

    def _wish(self) -> None:
        number = self.chance.randrange(len(KINDS))
        most = 9 * len(KINDS[number].clouds)
        self.scene.edit(name_of(number), replicas=self.chance.choice((None, *range(0, most, 3))))

    def _edit(self) -> None:
        number = self.chance.randrange(len(KINDS))
        clouds = len(KINDS[number].clouds)
        least = self.chance.randrange(0, 4 * clouds)
        edits: Sequence[dict[str, Any]] = (
            {"minReplicas": least, "maxReplicas": least + self.chance.randrange(1, 8 * clouds)},
            {"disruption": {**self.scene.spec(name_of(number))["disruption"], **self._limit()}},
            {"allocation": {"strategy": self.chance.choice(("Weighted", "Priority"))}},
            {"members": self._members(number)},
        )
        self.scene.edit(name_of(number), **self.chance.choice(edits))

    def _limit(self) -> dict[str, int]:
        return self.chance.choice(
            (
                {"maxNodesPerStep": self.chance.choice((1, 2, 5, 20))},
                {"maxUnavailablePercent": self.chance.choice((1, 10, 30, 100))},
                {"stepPauseSeconds": self.chance.choice((0, 60, 300))},
                {"scaleDownDelaySeconds": self.chance.choice((0, 60, 600))},
            )
        )

    def _members(self, number: int) -> list[dict[str, Any]]:
        """The members with one of them changed; frozen ones stay so."""
        members: list[dict[str, Any]] = [dict(member) for member in self.scene.spec(name_of(number))["members"]]
        changed = self.chance.choice(members)
        changed |= self.chance.choice(
            (
                {"weight": self.chance.choice((0, 1, 3))},
                {"priority": self.chance.randrange(3)},
                {"minNodes": self.chance.randrange(4), "maxNodes": self.chance.randrange(6, 20)},
                {} if changed.get("state") == "Frozen" else {"state": self.chance.choice(("Active", "Drain"))},
            )
        )
        return members

    def _annotation(self) -> None:
        number = self.chance.randrange(len(KINDS))
        until = self.scene.clock.now() + timedelta(minutes=self.chance.randrange(10, 90))
        override = {"minReplicas": self.chance.randrange(4 * len(KINDS[number].clouds)), "until": until.isoformat()}
        note = self.chance.choice(
            (
                {},
                {ADOPT: "*"},
                {ADOPT: self.chance.choice(KINDS[number].clouds)},
                {OVERRIDE: dumps(override)},
                {PAUSED: "true"},
                {SCALE_IN_PAUSED: "true"},
            )
        )
        self.scene.edit(name_of(number), annotations=note)
        if PAUSED in note or SCALE_IN_PAUSED in note:
            self._later(partial(self.scene.edit, name_of(number), annotations={}), most_s=3600)

    def _breakage(self) -> None:
        cloud = self.chance.choice(CLOUDS)
        cluster = self.chance.choice((None, "c0", "c1"))
        fault = Fault(match=Match(cloud=cloud, cluster=cluster), action=self.chance.choice(_BREAKAGES))
        placed = self.scene.lab.place(fault)

        def lift() -> None:
            self.scene.lab.lift(placed)
            self.scene.judge.mended(cloud, self.scene.clock.monotonic())

        self.scene.judge.broke(cloud)
        self._later(lift, most_s=2400)

    def _kubernetes_away(self) -> None:
        self.scene.cluster.away = True

        def back() -> None:
            self.scene.cluster.away = False

        self._later(back, most_s=900)

    async def _crash(self) -> None:
        await self.scene.crash()
        self.scene.start()

    def _later(self, mend: Callable[[], None], *, most_s: float) -> None:
        self.mends.append((self.scene.clock.monotonic() + self.chance.uniform(60, most_s), mend))
