"""Any object of the schema: its wish is met or a condition says why, by any way to it, and reverting an edit undoes it.

Twenty pools at a time in one World, each on node pools of its own.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from random import Random

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings

from multicloud.settings import Guard, Observe
from multicloud_lab.thread import LabThread
from support.anyedits import (
    POOL,
    SLOTS,
    Case,
    bound_to,
    cases,
    edits,
    is_at_rest,
    is_met,
    is_taken,
    is_told,
    seed_of,
    sizes,
)
from support.anyobjects import Json, object_of
from support.world import NAMESPACE, World

SAMPLED, ALL = 40, 2000
"""Objects: two for each case."""
SETTLE_MINUTES = 30
OBSERVE = Observe(interval_s=300, describe_s=3600, busy_min_s=20, busy_max_s=60)
GUARD = Guard(max_removed_nodes=10_000, max_added_nodes=10_000)


@pytest.fixture(autouse=True)
def only_errors() -> Iterator[None]:
    """Hundreds of pools tell more than anybody reads."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    yield
    structlog.reset_defaults()


def drawn(count: int) -> Sequence[Case]:
    """So many cases."""
    found: list[Case] = []
    checks = tuple(HealthCheck)

    @settings(max_examples=count, suppress_health_check=checks, phases=(Phase.generate,))
    @given(cases())
    def draw(case: Case) -> None:
        found.append(case)

    draw()
    return found


class Trial:
    """One batch of cases, and what is wrong with them."""

    def __init__(self, world: World, batch: Sequence[Case], chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.cases = {f"p{slot}": case for slot, case in enumerate(batch)}
        self.before = {
            f"p{slot}": bound_to(case.before, slot, chance, mistakes=not case.plain) for slot, case in enumerate(batch)
        }
        self.after = {
            f"p{slot}": bound_to(case.after, slot, chance, mistakes=not case.plain) for slot, case in enumerate(batch)
        }
        self.wrong: list[str] = []
        self.compared = 0

    async def run(self) -> None:
        for name, spec in self.before.items():
            self.put(name, spec)
        first = await self.settled("first")
        await self.edited(self.after)
        second = await self.settled("edited")
        for name, spec in self.before.items():
            self.put(name, spec)
        self.same(first, await self.settled("reverted"), "the edit was reverted")
        await self.edited(self.after)
        self.same(second, await self.settled("edited again"), "the same edits came in another order")

    def put(self, name: str, spec: Json) -> None:
        self.world.apply(object_of(POOL, name, copy.deepcopy(spec), namespace=NAMESPACE))

    async def edited(self, to: dict[str, Json]) -> None:
        """Edit all pools field by field, each in an order of its own; some edits meet a resize under way."""
        for name, wished in to.items():
            changes = list(edits(self.world.spec(name), wished))
            self.chance.shuffle(changes)
            for change in changes:
                spec = {**self.world.spec(name), **change}
                if is_taken(spec := {field: value for field, value in spec.items() if value is not None}):
                    self.put(name, spec)
                    await self.world.run_for(seconds=self.chance.choice((0, 0.5, 5, 30)))
        for name, spec in to.items():
            self.put(name, spec)

    async def settled(self, when: str) -> dict[str, object]:
        """Wait; the sizes of those that can be compared: nothing but their spec decides them, and all members have theirs."""
        await self.world.run_for(minutes=SETTLE_MINUTES)
        for name in self.cases:
            if not is_met(self.world, name) and not is_told(self.world, name):
                self.wrong.append(f"{when}: {name} has not what it wishes, and nothing says why: {self.tell(name)}")
        plain = [name for name, case in self.cases.items() if case.plain]
        return {name: sizes(self.world, name) for name in plain if is_at_rest(self.world, name)}

    def tell(self, name: str) -> str:
        status = self.world.status(name)
        return f"{self.world.spec(name)} has {status.get('replicas')} of {status.get('desiredReplicas')}"

    def same(self, were: dict[str, object], are: dict[str, object], why: str) -> None:
        for name in were.keys() & are.keys():
            self.compared += 1
            if were[name] != are[name]:
                self.wrong.append(f"{why}: {name}: {were[name]} became {are[name]}: {self.tell(name)}")


async def test_any_object_gets_its_wish_or_is_told_why(
    seed: int, proved: Callable[[str, int], None], *, full: bool
) -> None:
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    found = drawn((ALL if full else SAMPLED) // 2)
    wrong: list[str] = []
    compared = 0
    for start in range(0, len(found), SLOTS):
        with LabThread(seed_of(seed + start)) as lab:
            async with World(lab, observe=OBSERVE, guard=GUARD) as world:
                trial = Trial(world, found[start : start + SLOTS], chance)
                await trial.run()
                wrong += trial.wrong
                compared += trial.compared
    assert wrong == []
    assert compared > len(found) // 2, "hardly any end could be compared"
    proved("random objects: objects", 2 * len(found))
    proved("random objects: ends compared after reverting or another order of edits", compared)
