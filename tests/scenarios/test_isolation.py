"""One cloud in trouble: everybody else's resize goes out within an interval, and a storm of 429s is answered with calm.

A call that hangs takes its real deadline; `CALL_PACE` makes that as long in virtual time as the usual deadline is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from multicloud.clouds.pace import PACES
from multicloud.model.ref import Cloud
from multicloud.settings import Guard
from multicloud_lab.core.faultkinds import Action, Answer, Deny, Garbage, Hang, Throttle
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.tenants import NODE_POOLS, Tenant, seed_of
from support.world import World, account_bodies, members, secrets_for

pytestmark = pytest.mark.slow

CLOUDS = ("aws", "azure", "gcp")
INTERVAL_S = 60.0
SETTLE_S = 5.0
"""Virtual seconds that an edit, a pass and the calls before a write take by themselves, calls taking their real time."""
CALL_TIMEOUT_S = 1.0
CALL_PACE = 25.0

TROUBLES: Mapping[str, Action] = {
    "hangs": Hang(),
    "throttles": Throttle(),
    "throttles and says for how long": Answer(status=429, headers={"Retry-After": "45"}),
    "denies": Deny(),
    "answers HTML": Garbage(form="html502"),
    "answers half a JSON": Garbage(form="truncated"),
    "answers nothing": Garbage(form="empty"),
}


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


def first_writes(world: World, since: int, clouds: Sequence[str]) -> Sequence[str]:
    """Of these clouds, those that were written to after so many journal entries."""
    entries = [entry for entry in world.lab.journal(since) if entry["effective"]]
    return sorted({str(entry["cloud"]) for entry in entries} & set(clouds))


async def time_to_write(world: World, since: int, clouds: Sequence[str]) -> float:
    """Virtual seconds until each of the clouds was written to."""
    return await world.run_until(lambda: first_writes(world, since, clouds) == sorted(clouds), minutes=10)


def sized(sizes: Mapping[str, int]) -> dict[str, Any]:
    """A pool that wishes one size of each member, so that nobody grows in another's stead."""
    entries = [{**each, "minNodes": sizes[each["name"]], "maxNodes": sizes[each["name"]]} for each in members()]
    return {"replicas": sum(sizes.values()), "members": entries}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("sick", CLOUDS)
async def test_a_cloud_in_trouble_delays_nobody_by_more_than_an_interval(
    lab: LabThread, sick: str, trouble: str
) -> None:
    healthy = [cloud for cloud in CLOUDS if cloud != sick]
    async with World(lab, call_pace=CALL_PACE, call_timeout_s=CALL_TIMEOUT_S) as world:
        world.pool(**sized(dict.fromkeys(CLOUDS, 4)))
        await world.run_until(lambda: world.status().get("replicas") == 12)
        lab.place(Fault(action=TROUBLES[trouble], match=Match(cloud=Cloud(sick).value)))

        # While its facts are young, the sick member is asked for a resize, alone; the others' wish comes meanwhile.
        world.edit(**sized({**dict.fromkeys(CLOUDS, 4), sick: 8}))
        await world.run_for(seconds=3)
        seen = len(lab.journal())
        world.edit(**sized(dict.fromkeys(CLOUDS, 8)))
        assert await time_to_write(world, seen, healthy) <= INTERVAL_S + SETTLE_S

        # And when it has been in trouble for long.
        await world.run_for(minutes=5)
        assert world.condition("Observed")[0] == "False"
        seen = len(lab.journal())
        world.edit(**sized({**dict.fromkeys(CLOUDS, 12), sick: 8}))
        assert await time_to_write(world, seen, healthy) <= INTERVAL_S + SETTLE_S
        assert [write for write in world.cloud_writes if write.cloud == sick] == []


STORM_TENANTS = tuple(Tenant(letter=letter) for letter in "abcdefgh")


@pytest.fixture
def crowded() -> Iterator[LabThread]:
    with LabThread(seed_of(STORM_TENANTS, 1)) as running:
        yield running


def per_minute(world: World, since: int, cloud: str) -> Sequence[int]:
    """Requests that reached a cloud in each virtual minute."""
    entries = [entry for entry in world.lab.journal(since) if entry["cloud"] == cloud]
    return list(Counter(str(entry["time"])[: len("2026-01-01T00:00")] for entry in entries).values())


@pytest.mark.parametrize(
    "storm", [Throttle(), Answer(status=429, headers={"Retry-After": "20"})], ids=["bare 429", "429 with Retry-After"]
)
@pytest.mark.parametrize("cloud", CLOUDS)
async def test_a_storm_of_429s_is_met_with_fewer_requests_than_the_bucket_lets_out(
    crowded: LabThread, cloud: str, storm: Action
) -> None:
    async with World(crowded, guard=Guard(max_added_percent=1000)) as world:
        for tenant in STORM_TENANTS:
            credentials = tenant.credentials(crowded, dict.fromkeys(CLOUDS, 0))
            world.cluster.secrets.update(secrets_for(credentials, tenant.namespace))
            for body in account_bodies(credentials, tenant.namespace):
                world.apply(body)
            for name in NODE_POOLS:
                world.pool(f"{tenant.namespace}/{name}", replicas=30, members=tenant.members(name))
        await world.run_for(minutes=1)
        wished = max(per_minute(world, 0, cloud))
        seen = len(crowded.journal())
        crowded.place(Fault(action=storm, match=Match(cloud=Cloud(cloud).value)))
        await world.run_for(minutes=8)  # longer than the longest pause
        _, *storming = per_minute(world, seen, cloud)  # the first minute also holds what was on its way
        assert max(storming) < min(wished, 60 * PACES[Cloud(cloud)].read.per_s)
