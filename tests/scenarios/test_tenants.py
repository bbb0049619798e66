"""Twenty tenants with identities of their own on the same clouds, edited at random with Secrets changed: no call strays."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from string import ascii_lowercase
from typing import Any

import pytest

from multicloud.model.ref import Kind, ObjectKey
from multicloud.settings import Guard
from multicloud_lab.thread import LabThread
from support.tenants import CLOUDS, NODE_POOLS, Ownership, Tenant, keep_apart, seed_of
from support.world import HASTY, World, account_bodies, secrets_for

pytestmark = pytest.mark.slow

TENANTS = tuple(Tenant(letter=letter) for letter in ascii_lowercase[:20])
ROTATED_S = 60.0
"""Virtual seconds after which a replaced Secret makes no more calls."""
LAB_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
"""Second 0 of the virtual clock, as the journal writes it."""
REFUSALS = ("Denied", "DENIED", "Authorization", "Unauthorized", "Forbidden")
"""Parts of the clouds' words for a call without permission."""


@dataclass(slots=True)
class Tenancy:
    """One tenant's objects, and what may be done to them. `which` is the identity that each cloud's Secret holds."""

    world: World
    tenant: Tenant
    chance: Random
    which: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLOUDS, 0))
    rotated_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CLOUDS, float("-inf")))
    broken: set[str] = field(default_factory=set)

    def begin(self) -> None:
        self._login(CLOUDS)
        for name in NODE_POOLS:
            self._apply(name, replicas=9)

    def resize(self) -> None:
        self._apply(self.chance.choice(NODE_POOLS))

    def rotate(self) -> None:
        """Another identity of the tenant's own; in Azure its id stands in the account."""
        cloud = self.chance.choice(CLOUDS)
        self.which[cloud] = 1 - self.which[cloud]
        self.rotated_s[cloud] = self.world.clock.monotonic()
        self._login([cloud])

    def spoil(self) -> None:
        """A Secret that no cloud accepts, or none at all."""
        cloud = self.chance.choice(CLOUDS)
        self.broken.add(cloud)
        key = (self.tenant.namespace, f"{cloud}-keys")
        if self.chance.random() < 0.5:
            self.world.cluster.secrets.pop(key, None)
        else:
            self.world.cluster.secrets[key] = {"clientSecret": b"wrong", "key.json": b"{}", "accessKeyId": b"AKIAWRONG"}

    def mend(self) -> None:
        self._login(self.broken)
        self.broken.clear()

    def recreate_pool(self) -> None:
        name = self.chance.choice(NODE_POOLS)
        self.world.delete(f"{self.tenant.namespace}/{name}")
        self._apply(name)

    def recreate_account(self) -> None:
        """The same name, another object."""
        cloud = self.chance.choice(CLOUDS)
        key = ObjectKey(kind=Kind.ACCOUNT, namespace=self.tenant.namespace, name=cloud)
        self.world.operator.store.remove(self.world.cluster.objects.pop(key))
        self._login([cloud])
        self.broken.discard(cloud)

    def pause(self) -> None:
        self._apply(self.chance.choice(NODE_POOLS), paused=True)

    def lose_member(self) -> None:
        name = self.chance.choice(NODE_POOLS)
        members = self.tenant.members(name)
        members.pop(self.chance.randrange(len(members)))
        self._apply(name, members=members)

    @property
    def acts(self) -> Sequence[Callable[[], None]]:
        return (
            *(self.resize,) * 4,
            *(self.rotate,) * 2,
            self.spoil,
            self.mend,
            self.recreate_pool,
            self.recreate_account,
            self.pause,
            self.lose_member,
        )

    def settle(self) -> None:
        """All is as it should be, with a wish of twelve units."""
        self.mend()
        for name in NODE_POOLS:
            self._apply(name, replicas=12)

    def accepts(self, entry: Mapping[str, Any]) -> bool:
        """Whether the call was made by the identity that the Secret holds, or held a moment ago."""
        cloud = str(entry["cloud"])
        which = self.tenant.principals(cloud).index(str(entry["principal"]))
        at_s = (datetime.fromisoformat(str(entry["time"])) - LAB_BEGAN).total_seconds()
        return which == self.which[cloud] or at_s - self.rotated_s[cloud] <= ROTATED_S

    def _apply(self, name: str, **spec: Any) -> None:
        fields = {
            "replicas": self.chance.randint(6, 30),
            "members": self.tenant.members(name),
            "adoption": "Apply",
            "disruption": dict(HASTY),
            "drift": {"surplus": "Hold", "deficit": "Correct", "holdSeconds": 60},
        }
        self.world.pool(f"{self.tenant.namespace}/{name}", **{**fields, **spec})

    def _login(self, clouds: Sequence[str] | set[str]) -> None:
        credentials = self.tenant.credentials(self.world.lab, self.which)
        secrets = secrets_for(credentials, self.tenant.namespace)
        self.world.cluster.secrets.update(
            {key: value for key, value in secrets.items() if key[1].removesuffix("-keys") in clouds}
        )
        for body in account_bodies(credentials, self.tenant.namespace):
            if body["metadata"]["name"] in clouds:
                self.world.apply(body)


@pytest.fixture
def lab(seed: int) -> Iterator[LabThread]:
    with LabThread(seed_of(TENANTS, seed)) as running:
        keep_apart(running, TENANTS)
        yield running


async def live(lab: LabThread, seed: int, *, hours: float, edits: int) -> None:
    """So many edits at random moments; then everything is mended and comes to rest."""
    chance = Random(seed)  # noqa: S311 - repeatable
    ownership = Ownership(lab, TENANTS)
    seen = len(lab.journal())

    async with World(lab, guard=Guard(max_removed_percent=100)) as world:
        tenancies = {tenant: Tenancy(world, tenant, chance) for tenant in TENANTS}

        def look() -> None:
            nonlocal seen
            entries = lab.journal(seen)
            seen += len(entries)
            assert list(ownership.strayed(entries)) == [], f"seed {seed}"
            owned = [(each, tenancies[owner]) for each in entries if (owner := ownership.of_principal(each))]
            assert [each for each, tenancy in owned if not tenancy.accepts(each)] == [], f"seed {seed}"
            assert [each for each in entries if any(word in str(each["result"]) for word in REFUSALS)] == []

        for tenancy in tenancies.values():
            tenancy.begin()
        for moment_s in sorted(chance.uniform(0, 3600 * hours) for _ in range(edits)):
            await world.run_for(seconds=moment_s - world.clock.monotonic())
            look()
            chance.choice(chance.choice(list(tenancies.values())).acts)()
        for tenancy in tenancies.values():
            tenancy.settle()
        pools = [f"{tenant.namespace}/{name}" for tenant in TENANTS for name in NODE_POOLS]
        await world.run_until(lambda: all(world.status(name).get("replicas") == 12 for name in pools))
        look()
    effective = [each for each in lab.journal() if each["effective"]]
    writers = {(owner, str(each["cloud"])) for each in effective if (owner := ownership.of_principal(each))}
    assert len(writers) == len(TENANTS) * len(CLOUDS), "somebody was never at work"
    assert lab.violations() == []


async def test_no_call_names_what_is_anothers_in_an_hour_of_edits(lab: LabThread, seed: int) -> None:
    await live(lab, seed, hours=1, edits=80)


@pytest.mark.long
async def test_no_call_names_what_is_anothers_in_a_day_of_edits(lab: LabThread, seed: int) -> None:
    await live(lab, seed, hours=24, edits=800)
