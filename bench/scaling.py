"""What TargetTracking, Step and a fixed number make of a week: `make bench-scaling` (or `python -m bench.scaling`).

The operator's own decision code in virtual time over the seeded loads of `bench.traces`, nodes ready four minutes after
they were asked for. Shortage and unit-hours must be read together: whoever buys enough is never short.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from bench.traces import DAYS, LOADS, csv_text, trace

from multicloud.cli.simulate.command import BOOT_S
from multicloud.cli.simulate.files import NamedPolicy
from multicloud.cli.simulate.running import Booting, Terms, play
from multicloud.cli.simulate.summary import IDEAL_USE, Run, summary
from multicloud.cli.simulate.trace import Trace
from multicloud.model.policy import (
    Algorithm,
    Behavior,
    MetricSpec,
    PolicySpec,
    PrometheusQuery,
    ScalingRules,
    Target,
    TargetType,
)

UNIT_CARRIES: Final = 10.0
LOW: Final = 5
HIGH: Final = 400


def tracking(name: str, behavior: Behavior | None = None) -> NamedPolicy:
    """Units kept as full as is ideal."""
    return NamedPolicy(name=name, spec=_spec(Algorithm.TARGET_TRACKING, UNIT_CARRIES * IDEAL_USE, behavior))


def policies(values: list[float]) -> list[NamedPolicy]:
    """What is compared; the fixed number is enough for the worst minute."""
    slow = ScalingRules(window_s=1800, policies=Behavior().down.policies)
    most = -int(-max(values) // UNIT_CARRIES)
    return [
        NamedPolicy(name=f"static {most}", spec=PolicySpec(pool="web", min_replicas=most, max_replicas=most)),
        tracking("TargetTracking"),
        tracking("TargetTracking, 30 min", Behavior(down=slow)),
        NamedPolicy(name="Step", spec=_spec(Algorithm.STEP, UNIT_CARRIES, None)),
    ]


def _spec(algorithm: Algorithm, target: float, behavior: Behavior | None) -> PolicySpec:
    metric = MetricSpec(
        name="rps",
        source=PrometheusQuery(source="main", query="load"),
        target=Target(type=TargetType.AVERAGE_VALUE, milli=round(1000 * target)),
    )
    return PolicySpec(
        pool="web", min_replicas=LOW, max_replicas=HIGH, algorithm=algorithm, metrics=(metric,), behavior=behavior
    )


def played(policy: NamedPolicy, values: list[float]) -> Run:
    """A week in virtual time, begun with units that are as full as is ideal."""
    start = policy.spec.max_replicas if not policy.spec.metrics else -int(-values[0] // (UNIT_CARRIES * IDEAL_USE))
    assert start is not None
    seconds = [60.0 * minute for minute in range(len(values))]
    load = Trace(load="rps", seconds=seconds, milli={"rps": [round(1000 * value) for value in values]})
    terms = Terms(unit_capacity=UNIT_CARRIES, interval_s=60.0, start=start, low=0, high=HIGH)
    return play(policy, load, terms, Booting(start, BOOT_S), lambda _: None)


def measure(seed: int) -> list[str]:
    """The table, row by row."""
    rows = [
        "| load | policy | short | load lost | unit-hours | × ideal | resizes a day |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name in LOADS:
        values = trace(name, seed=seed)
        for policy in policies(values):
            made = summary(played(policy, values))
            rows.append(
                f"| {name} | {policy.name} | {made['underPercent']:.2f} % | {made['lostLoadPercent']:.2f} % | "
                f"{made['unitHours']:.0f} | {made['unitHours'] / made['idealUnitHours']:.2f} | {made['resizesPerDay']:.0f} |"
            )
    return rows


def main() -> int:
    """Print the table, or write the loads as files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the loads as CSV files instead")
    parser.add_argument("--days", type=float, default=DAYS, help="how long the written loads are")
    asked = parser.parse_args()
    if asked.write is None:
        print("\n".join(measure(asked.seed)))
        return 0
    asked.write.mkdir(parents=True, exist_ok=True)
    for name in LOADS:
        file = asked.write / f"{name.replace('/', '-').replace(' ', '-')}.csv"
        file.write_text(csv_text(trace(name, seed=asked.seed, days=asked.days)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
