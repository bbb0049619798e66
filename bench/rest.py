"""Counts what a fleet at rest costs: `make bench-rest` (or `PYTHONPATH=tests python -m bench.rest`).

The whole operator in virtual time, through the vendors' SDKs, against the lab: an hour in which nothing happens, counted
from the lab's journal by API, then hands that resize node pools at random moments, timed until the status shows it.
Exits with 1 when a bound of the design is broken.
"""

import argparse
import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter
from typing import Any

import structlog
from bench.fleet import REGIONS, ZONES, fleet_seed

from multicloud.kube.members import MemberEyes, WaysIn
from multicloud.model.port import ClusterSide
from multicloud.run.compose import Outlook
from multicloud_lab.thread import LabThread
from support.world import World

MOST_CALLS = 6.5
"""Calls per node-pool-hour."""
MOST_DRIFT_S = 60.0
"""Virtual seconds from a hand's resize to the status that shows it."""

SETTLING_MINUTES = 20
NODES = 3
MOST_NODES = 40
WATCH_S = 180.0

APIS: Mapping[str, str] = {
    "GetCallerIdentity": "STS",
    "DescribeAutoScalingGroups": "Auto Scaling",
    "Entra_Token": "Entra",
    "token": "Google token",
    "instanceGroupManagers.aggregatedList": "Compute",
}
"""By the operation's name in the journal; what is not here is its cloud's own API."""

MEMBERS_OWN = "kubernetes"
"""The journal's cloud for requests to a member cluster's own API."""

CLOUD_APIS: Mapping[str, str] = {"aws": "EKS", "azure": "ARM", "gcp": "GKE"}
ORDER = ("EKS", "Auto Scaling", "STS", "ARM", "Entra", "Google token", "GKE", "Compute")


class WatchingWorld(World):
    """A world whose operator also watches the lab's member clusters, over TLS, as the process does."""

    def _open_eyes(self, outlook: Outlook) -> ClusterSide:
        ways_in = WaysIn(outlook.lanes, self.cluster, self.settings.member_clusters, outlook.account)
        return MemberEyes(ways_in, outlook.cordoning, self.clock, outlook.wake)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One node pool of the fleet, and the member that names it."""

    cloud: str
    cluster: str
    node_pool: str
    pool: str
    member: str


def places(clusters: int, pools: int, objects: int) -> list[Place]:
    """Every node pool of `fleet_seed`, dealt out to the MultiCloudPools in turn, so that most span all clouds."""
    found = [
        (cloud, f"c{number}", f"pool{at}")
        for at in range(pools)
        for number in range((clusters + 2) // 3)
        for order, cloud in enumerate(CLOUD_APIS)
        if number < (clusters + 2 - order) // 3
    ]
    return [
        Place(cloud=cloud, cluster=cluster, node_pool=node_pool, pool=f"pool-{at % objects}", member=f"m{at}")
        for at, (cloud, cluster, node_pool) in enumerate(found)
    ]


def member(place: Place, regions: int) -> dict[str, Any]:
    """The member's entry in a MultiCloudPool's spec."""
    at = int(place.cluster.removeprefix("c")) % regions
    blocks: dict[str, dict[str, Any]] = {
        "aws": {"eks": {"cluster": place.cluster, "region": REGIONS[at], "nodeGroup": place.node_pool}},
        "azure": {"aks": {"resourceGroup": "shop", "cluster": place.cluster, "agentPool": place.node_pool}},
        "gcp": {"gke": {"location": ZONES[at], "cluster": place.cluster, "nodePool": place.node_pool}},
    }
    own = {"name": place.member, "accountRef": {"name": place.cloud}, "minNodes": 0, "maxNodes": MOST_NODES}
    return {**own, **blocks[place.cloud]}


async def settle(world: World, fleet: Sequence[Place], regions: int) -> None:
    """Apply the MultiCloudPools, wishing what runs already. Raises SystemExit if that does not come to rest."""
    for name in sorted({place.pool for place in fleet}):
        mine = [member(place, regions) for place in fleet if place.pool == name]
        units = NODES * len(mine)
        world.pool(name, replicas=units, maxReplicas=MOST_NODES * len(mine), members=mine)
    await world.run_for(minutes=SETTLING_MINUTES)
    awake = {place.pool for place in fleet if world.condition("Reconciling", place.pool)[0] != "False"}
    if awake or world.cloud_writes:
        message = f"the fleet is not at rest: {sorted(awake)} still move, {len(world.cloud_writes)} writes were made"
        raise SystemExit(message)


def api_of(entry: Mapping[str, object]) -> str:
    """Which API a journal entry is a call of."""
    cloud = str(entry["cloud"])
    return MEMBERS_OWN if cloud == MEMBERS_OWN else APIS.get(str(entry["operation"]), CLOUD_APIS[cloud])


def calls(world: World, since: int) -> Counter[str]:
    """Requests by API that reached the lab after the journal's entry of that number."""
    return Counter(
        api_of(entry) for entry in world.lab.journal(since) if entry["cloud"] != "lab" and entry["principal"] != "hand"
    )


async def at_rest(world: World) -> tuple[Counter[str], int]:
    """Count an hour's calls, and the status writes in it."""
    seen, written = len(world.lab.journal()), world.cluster.status_writes
    await world.run_for(hours=1)
    return calls(world, seen), world.cluster.status_writes - written


async def drift_delays(world: World, fleet: Sequence[Place], chance: Random) -> list[float]:
    """Resize a node pool of every cluster by hand, at random moments; the virtual seconds until the status shows each."""
    began_s = world.clock.monotonic()
    delays: list[float] = []
    # One a cluster: GKE would refuse a second hand while the first one's operation runs.
    touched = {(place.cloud, place.cluster): place for place in chance.sample(fleet, len(fleet))}.values()
    coming = sorted(((chance.uniform(1, WATCH_S), place) for place in touched), key=lambda each: each[0], reverse=True)
    unseen: dict[Place, float] = {}
    while coming or unseen:
        now_s = world.clock.monotonic() - began_s
        while coming and coming[-1][0] <= now_s:
            place = coming.pop()[1]
            world.hand(place.cloud, place.cluster, place.node_pool, NODES + 1)
            unseen[place] = now_s
        shown = [each for each in unseen if world.member(each.member, each.pool)["requestedNodes"] == NODES + 1]
        delays += [now_s - unseen.pop(place) for place in shown]
        if any(now_s - hand_s > WATCH_S for hand_s in unseen.values()):
            return [*delays, *[float("inf")] * len(unseen)]
        await world.run_for(seconds=1)
    return delays


def table(counted: Counter[str], node_pools: int) -> Iterator[str]:
    """Render the count; the member clusters' own APIs stand apart, because each is the user's and not rationed."""
    yield "| API | calls in an hour | per node pool |\n|---|---:|---:|"
    for api in ORDER:
        yield f"| {api} | {counted[api]} | {counted[api] / node_pools:.2f} |"
    yield f"| (member clusters' own Kubernetes APIs) | {counted[MEMBERS_OWN]} | |"


async def measure(given: argparse.Namespace) -> int:
    """Measure, print, and say by the exit code whether the bounds hold."""
    began = perf_counter()
    fleet = places(given.clusters, given.pools, given.objects)
    with LabThread(fleet_seed(given.clusters, given.pools, NODES, given.regions)) as lab:
        async with WatchingWorld(lab, looks_inside=True) as world:
            await settle(world, fleet, given.regions)
            counted, written = await at_rest(world)
            delays = await drift_delays(world, fleet, Random(given.seed))  # noqa: S311 - repeatable
    per_pool = sum(counted[api] for api in ORDER) / len(fleet)
    print(
        f"{given.clusters} clusters in 3 clouds ({given.regions} regions each), {len(fleet)} node pools, "
        f"{given.objects} MultiCloudPools, 60 virtual minutes ({perf_counter() - began:.0f} s in all), seed {given.seed}\n"
    )
    print("\n".join(table(counted, len(fleet))))
    print(f"\nstatus writes {written}")
    print(
        f"drift of {len(delays)} resizes by hand shown after {sum(delays) / len(delays):.0f} s on average, "
        f"{max(delays):.0f} s at most (bound {MOST_DRIFT_S:.0f} s)"
    )
    print(f"total {per_pool:.2f} calls per pool-hour")
    return int(per_pool > MOST_CALLS or max(delays) > MOST_DRIFT_S or written > 0)


def main() -> int:
    """Read the arguments, be quiet, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=36)
    parser.add_argument("--pools", type=int, default=10, help="node pools of each cluster")
    parser.add_argument("--objects", type=int, default=100, help="MultiCloudPools over them")
    parser.add_argument("--regions", type=int, default=2, choices=range(1, 5), help="regions of each cloud")
    parser.add_argument("--seed", type=int, default=20261123)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
