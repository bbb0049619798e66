"""Times a change of `spec` to the call that resizes: `make bench-latency` (or `PYTHONPATH=tests python -m bench.latency`).

The operator as a process with its usual settings, a real API server, the lab; one pool after the other is changed by a
person who waits until it has come to rest. Timed from before the PATCH is sent to the moment at which the resize reaches
the emulated cloud, which is later than the first call: a look goes before each write where the cloud cannot compare.
Exits with 1 when the bound of the design is broken.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from multicloud.settings import Settings
from multicloud_lab.controlplane import ControlPlane
from multicloud_lab.core.journal import Entry
from support import samples
from support.stage import Stage, a_stage

CRDS = Path(__file__).parents[1] / "crds"
SETTLE_S = float(Settings.model_fields["settle_s"].default)
MOST_S = 1.0
"""Seconds past the settle time, at the 95th percentile."""
SIZES = (5, 8)
QUIET_S = 1.0
USUAL = ("settleSeconds", "settleMaxSeconds", "callTimeoutSeconds", "stopPollSeconds", "lease")
"""Settings that tests make livelier; here they stay what an administrator gets."""
MOST_CHANGES = {"azure": 9}
"""AKS takes one PUT of an agent pool a minute after a burst; the operator keeps to ten."""
OBSERVE = {"busyMinSeconds": 0.2, "busyMaxSeconds": 0.5}
"""Only so that each change is over soon: the lab's operations take a second or two. Looks at rest stay a minute apart."""


def delays(stage: Stage, changes: int) -> dict[str, list[float]]:
    """Seconds from each change to its resize, by cloud."""
    arrived: dict[tuple[str, int], float] = {}
    latest: dict[str, float] = {}

    def note(entry: Entry) -> None:
        latest[entry.cloud] = perf_counter()
        if entry.operation in samples.RESIZE.values() and entry.to is not None:
            arrived.setdefault((entry.cloud, entry.to), perf_counter())

    stage.lab.run(lambda lab: lab.journal.listen(note))
    found: dict[str, list[float]] = {cloud: [] for cloud in samples.CLOUDS}
    for number in range(changes):
        turns = [cloud for cloud in samples.CLOUDS if len(found[cloud]) < MOST_CHANGES.get(cloud, changes)]
        cloud = turns[number % len(turns)]
        to = SIZES[len(found[cloud]) % len(SIZES)]
        stage.until(partial(at_rest, stage, cloud, latest), f"{cloud} is at rest")
        arrived.pop((cloud, to), None)
        began_s = perf_counter()
        stage.api.edit(cloud, spec={"replicas": to})
        stage.until(partial(arrived.__contains__, (cloud, to)), f"{cloud} is asked for {to} nodes")
        found[cloud].append(arrived[cloud, to] - began_s)
    return found


def at_rest(stage: Stage, cloud: str, latest: Mapping[str, float]) -> bool:
    """Nothing is on its way in a pool, and its cloud has not been asked for a while: its news would hasten a pass."""
    if perf_counter() - latest.get(cloud, 0.0) < QUIET_S:
        return False
    return stage.condition(cloud, "Reconciling")[0] == "False" and stage.member(cloud, cloud).get("intent") is None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def measure(changes: int) -> int:
    """Measure, print, and say by the exit code whether the bound holds."""
    with ControlPlane() as plane, TemporaryDirectory() as directory:
        files = f"--filename={CRDS}"
        plane.kubectl("apply", "--server-side", files).check_returncode()
        plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", files).check_returncode()
        with a_stage(plane, Path(directory)) as stage:
            stage.given_accounts()
            stage.api.create_all([samples.pool(cloud, samples.member(cloud)) for cloud in samples.CLOUDS])
            operator = stage.operator(usual=USUAL, observe=OBSERVE)
            operator.start()
            operator.until_leading()
            stage.until_found("aws")
            found = delays(stage, changes)
    every = [delay for some in found.values() for delay in some]
    print("| cloud | changes | p50 | p95 | slowest |\n|---|---:|---:|---:|---:|")
    for name, some in (*found.items(), ("all", every)):
        middle, late = percentile(some, 0.5), percentile(some, 0.95)
        print(f"| {name} | {len(some)} | {middle:.2f} s | {late:.2f} s | {max(some):.2f} s |")
    past_s = percentile(every, 0.95) - SETTLE_S
    print(f"p95 {past_s:.2f} s past the settle time of {SETTLE_S:.0f} s (bound {MOST_S:.0f} s)")
    return int(past_s > MOST_S)


def main() -> int:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=102)
    return measure(parser.parse_args().changes)


if __name__ == "__main__":
    sys.exit(main())
