"""Measures the lab: `make bench-lab` (or `python -m bench.lab`) prints the table of docs/lab.md.

Answers a second: four client processes, each with one connection after the other, against a lab in a process of its
own. Memory and a day at rest: a lab that listens, with 1,000 clusters of 10 pools of 20 nodes, in a fresh process.
"""

import argparse
import asyncio
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.fleet import fleet_seed

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.lab import Lab
from multicloud_lab.scenarios.reference.door import PoolName
from multicloud_lab.scenarios.reference.serving import doors
from multicloud_lab.serve import LabServer
from multicloud_lab.thread import LabThread

DAY_S = 24 * 3600.0
CLIENTS = 4
LOOKS = {"aws": 2, "azure": 2, "gcp": 2}
"""How many requests one look at a pool is: the pool, and its machines' group."""

Row = tuple[str, str]


def resident_mib() -> float:
    """Return the process's resident memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    message = "/proc/self/status has no VmRSS: this needs Linux"
    raise OSError(message)


def apart(measure: Callable[..., list[Row]], *arguments: object) -> list[Row]:
    """Run in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def at_rest(clusters: int, pools: int, nodes: int) -> list[Row]:
    """Measure memory and a day of a fleet that nobody touches."""
    before = resident_mib()
    began = perf_counter()
    seed = fleet_seed(clusters, pools, nodes)
    lab = Lab(seed, VirtualClock())
    server = LabServer(lab)

    async def day() -> tuple[float, float, float]:
        await server.start()
        started_s, memory = perf_counter() - began, resident_mib() - before
        resting = perf_counter()
        lab.clock.advance(DAY_S)
        rested_s = perf_counter() - resting
        await server.stop()
        return started_s, memory, rested_s

    started_s, memory, rested_s = asyncio.run(day())
    return [
        ("nodes", f"{sum(group.nodes.existing for group in lab.machines()):,}"),
        ("start until it answers", f"{started_s:.1f} s"),
        ("memory over an empty process", f"{memory:,.0f} MiB"),
        ("24 virtual hours at rest", f"{rested_s * 1000:.2f} ms"),
    ]


def look_often(document: dict[str, Any], cloud: str, looks: int) -> None:
    """Look at pools, one connection a request."""
    door = doors(document, 30.0)[cloud]
    for number in range(looks):
        door.look(PoolName(cluster="c0", node_pool=f"pool{number % 10}"))


def answers(looks: int) -> list[Row]:
    """Measure answers a second of every cloud's REST."""
    rows: list[Row] = []
    context = multiprocessing.get_context("spawn")
    with LabThread(fleet_seed(9, 10, 4)) as lab, context.Pool(CLIENTS) as pool:
        for cloud, requests in LOOKS.items():
            work = [(lab.document, cloud, looks)] * CLIENTS
            pool.starmap(look_often, [(document, of, 3) for document, of, _ in work])
            began = perf_counter()
            pool.starmap(look_often, work)
            rate = CLIENTS * looks * requests / (perf_counter() - began)
            rows.append((f"answers a second, {cloud}, {CLIENTS} clients, a connection each", f"{rate:,.0f}"))
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--pools", type=int, default=10)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--looks", type=int, default=200, help="looks of each client at each cloud's pools")
    given = parser.parse_args()
    fleet = f"{given.clusters:,} clusters, {given.pools} pools each, {given.nodes} nodes a pool"
    print("| what | measured |\n|---|---|")
    for what, measured in answers(given.looks):
        print(f"| {what} | {measured} |", flush=True)
    for what, measured in apart(at_rest, given.clusters, given.pools, given.nodes):
        print(f"| {fleet}: {what} | {measured} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
