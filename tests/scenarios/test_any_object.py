"""Any object of the schema: its wish is met or a condition says why, by any way to it, and reverting an edit undoes it.

Fifty pools at a time in one World, each on node pools of its own, and accounts that are edited under their members.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import TypeVar

import pytest
import structlog
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy, tuples

from multicloud.settings import Guard, Observe
from multicloud_lab.thread import LabThread
from support.anyaccounts import ACCOUNT, SPARE, accounts, given_secrets, is_account_taken
from support.anyedits import POOL, SLOTS, Case, body_of, bound_to, cases, edits, is_taken, seed_of
from support.anyends import is_account_told, is_at_rest, is_met, is_told, sizes
from support.anynotes import APPROVE, AS_PUBLISHED
from support.anyobjects import Json
from support.world import CLOUDS, World, account_bodies

pytestmark = pytest.mark.slow

T = TypeVar("T")

SAMPLED, ALL = 200, 2000
"""Pools: two for each case."""
SETTLE_MINUTES = 30
EDITS_AT_ONCE = 6
OBSERVE = Observe(interval_s=300, describe_s=3600, busy_min_s=20, busy_max_s=60)
GUARD = Guard(max_removed_nodes=10_000, max_added_nodes=10_000)


@pytest.fixture(autouse=True)
def only_errors() -> Iterator[None]:
    """Hundreds of pools tell more than anybody reads."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    yield
    structlog.reset_defaults()


def drawn(strategy: SearchStrategy[T], count: int) -> Sequence[T]:
    """So many of them."""
    found: list[T] = []
    checks = tuple(HealthCheck)

    @settings(max_examples=count, suppress_health_check=checks, phases=(Phase.generate,))
    @given(strategy)
    def draw(one: T) -> None:
        found.append(one)

    draw()
    return found


class Trial:
    """One batch of cases and some accounts, and what is wrong with them. A draft is known by kind and name."""

    def __init__(self, world: World, batch: Sequence[Case], given_accounts: Sequence[Json], chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.plain = [f"p{slot}" for slot, case in enumerate(batch) if case.plain]
        self.pools = [f"p{slot}" for slot in range(len(batch))]
        self.accounts = [f"{cloud}-{number}" for number in range(SPARE) for cloud in CLOUDS]
        sound = {body["metadata"]["name"]: body["spec"] for body in account_bodies(world.lab.document["credentials"])}
        self.before: dict[str, Json] = {name: sound[name.partition("-")[0]] for name in self.accounts}
        self.after: dict[str, Json] = dict(zip(self.accounts, given_accounts, strict=True))
        for slot, case in enumerate(batch):
            self.before[f"p{slot}"] = bound_to(case.before, slot, chance, mistakes=not case.plain)
            self.after[f"p{slot}"] = bound_to(case.after, slot, chance, mistakes=not case.plain)
        self.now: dict[str, Json] = {}
        self.wrong: list[str] = []
        self.compared = 0

    async def run(self) -> None:
        given_secrets(self.world)
        self.put_all(self.before)
        first = await self.settled("first")
        await self.edited(self.after)
        second = await self.settled("edited")
        self.put_all(self.before)
        self.same(first, await self.settled("reverted"), "the edit was reverted")
        await self.edited(self.after)
        self.same(second, await self.settled("edited again"), "the same edits came in another order")

    def put(self, name: str, draft: Json) -> None:
        self.now[name] = draft
        if name in self.accounts:
            self.world.apply(body_of(ACCOUNT, name, draft))
            return
        if draft.get(APPROVE) == AS_PUBLISHED and self.world.knows(name):
            plan = self.world.status(name).get("plan") or {}
            draft = {**draft, APPROVE: plan.get("hash") or ""}
        self.world.apply(body_of(POOL, name, draft))

    def put_all(self, drafts: Mapping[str, Json]) -> None:
        for name, draft in drafts.items():
            self.put(name, draft)

    async def edited(self, to: Mapping[str, Json]) -> None:
        """Edit all objects field by field, in an order made by chance; some edits meet a resize under way."""
        changes = [(name, change) for name, wished in to.items() for change in edits(self.now[name], wished)]
        self.chance.shuffle(changes)
        for number, (name, change) in enumerate(changes):
            draft = {field: value for field, value in {**self.now[name], **change}.items() if value is not None}
            if (is_account_taken if name in self.accounts else is_taken)(draft):
                self.put(name, draft)
            if number % EDITS_AT_ONCE == 0:
                await self.world.run_for(seconds=self.chance.choice((0, 0.5, 5, 30)))
        self.put_all(to)

    async def settled(self, when: str) -> dict[str, object]:
        """Wait; the ends of those that can be compared: nothing but their draft decides them, and all members have theirs."""
        await self.world.run_for(minutes=SETTLE_MINUTES)
        for name in self.pools:
            if not is_met(self.world, name) and not is_told(self.world, name):
                self.wrong.append(f"{when}: {name} has not what it wishes, and nothing says why\n{self.tell(name)}")
        for name in self.accounts:
            if not is_account_told(self.world, name):
                self.wrong.append(f"{when}: {name} does not sign in, and nothing says why\n{self.tell(name)}")
        ends: dict[str, object] = {name: self.world.account_conditions(name) for name in self.accounts}
        return ends | {name: sizes(self.world, name) for name in self.plain if is_at_rest(self.world, name)}

    def same(self, were: dict[str, object], are: dict[str, object], why: str) -> None:
        for name in were.keys() & are.keys():
            self.compared += 1
            if were[name] != are[name]:
                self.wrong.append(f"{why}: {name}: {were[name]} became {are[name]}\n{self.tell(name)}")

    def tell(self, name: str) -> str:
        """Both drafts as YAML, and what the status says now."""
        key = next(key for key in self.world.cluster.objects if key.name == name)
        told = {
            "before": self.before[name],
            "after": self.after[name],
            "status": self.world.cluster.objects[key].get("status"),
        }
        return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


async def test_any_object_gets_its_wish_or_is_told_why(
    seed: int, proved: Callable[[str, int], None], *, full: bool
) -> None:
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    found = drawn(cases(), (ALL if full else SAMPLED) // 2)
    starts = range(0, len(found), SLOTS)
    spare = drawn(tuples(*(accounts(cloud) for _ in range(SPARE) for cloud in CLOUDS)), len(starts))
    wrong: list[str] = []
    compared = 0
    for start, given_accounts in zip(starts, spare, strict=True):
        with LabThread(seed_of(seed + start)) as lab:
            async with World(lab, observe=OBSERVE, guard=GUARD) as world:
                trial = Trial(world, found[start : start + SLOTS], given_accounts, chance)
                await trial.run()
                wrong += trial.wrong
                compared += trial.compared
    assert not wrong, f"seed {seed}\n" + "\n".join(wrong)
    assert compared > len(found), "hardly any end could be compared"
    proved("random objects: pools", 2 * len(found))
    proved("random objects: accounts", 2 * SPARE * len(CLOUDS) * len(starts))
    proved("random objects: ends compared after reverting or another order of edits", compared)
