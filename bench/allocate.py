"""How long placing takes, and how good it is: `make bench-allocate [ARGS="--instances 5 --cp-sat-up-to 30"]`.

Seeded problems with every rule on, the same for all three: the product's program, CP-SAT with one worker (a chain of the
same levels, from the tests' own reading of the rules) and a greedy placement. Times are processor milliseconds of one
solve; "above" is the cost above the program's, where both miss nothing.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TypeVar

from multicloud.decide.place.greedy import greedy
from multicloud.decide.place.levels import cost_row, shortfalls
from multicloud.decide.place.problem import Problem, Survival
from multicloud.decide.place.program import solved_by_highs
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Loss, Strategy

SIZES = (10, 30, 100, 300, 1000)
CLOUDS = ("aws", "azure", "gcp")


def problem(seed: int, members: int, strategy: Strategy) -> Problem:
    """Members of three clouds and nine regions, with steps, minima, spot, and prices to 0.0001; every rule on."""
    random = Random(seed)  # noqa: S311  (repeatable problems, nothing secret)
    choices = tuple(_choice(random, number) for number in range(members))
    room = sum(choice.units * choice.last for choice in choices)
    desired = int(room * random.uniform(0.3, 0.5))
    return Problem(
        strategy=strategy,
        minimum=desired // 2,
        desired=desired,
        maximum=desired * 3 // 2,
        choices=choices,
        survivals=(
            Survival(loss=Loss.CLOUD, units=desired * 60 // 100),
            Survival(loss=Loss.REGION, units=desired * 75 // 100),
            Survival(loss=Loss.MEMBER, units=desired * 80 // 100),
        ),
        on_demand=desired // 5,
        spot=desired // 2,
        ceiling=sum((choice.price or 0) * choice.last for choice in choices),
    )


def _choice(random: Random, number: int) -> Choice:
    cloud = CLOUDS[number % 3]
    units, step, spot = random.choice([1, 1, 2, 2, 4, 4, 8, 16]), random.choice([1, 3]), random.random() < 0.4
    step = step if cloud == "gcp" else 1
    last = random.randint(10, 60) // step * step
    present = random.randint(0, last) // step * step
    return Choice(
        name=f"m{number:04}",
        units=units,
        step=step,
        first=random.choice([0, 0, step]),
        last=last,
        present=present,
        weight=random.randint(1, 5),
        cloud=cloud,
        region=f"{cloud}-{random.randint(1, 3)}",
        spot=spot,
        price=round(units * random.uniform(300, 600) * (0.35 if spot else 1)),
    )


Result = TypeVar("Result")


def timed(way: Callable[[Problem], Result], found: Problem) -> tuple[float, Result]:
    """Processor milliseconds of a call, and its result."""
    began = time.process_time()
    result = way(found)
    return 1000 * (time.process_time() - began), result


def row(members: int, strategy: Strategy, instances: int, cp_sat_up_to: int) -> str:
    """One line of the table."""
    ours: list[float] = []
    gaps: list[float] = []
    simple: list[float] = []
    above: list[float] = []
    theirs: list[float] = []
    for seed in range(instances):
        found = problem(seed, members, strategy)
        spent, placement = timed(solved_by_highs, found)
        ours.append(spent)
        gaps.append(float(placement.gap))
        spent, sizes = timed(partial(greedy, hold=None), found)
        simple.append(spent)
        cost = cost_row(found)
        if not any(want.value(sizes) for want in shortfalls(found, None)):
            above.append(100 * (cost.value(sizes) / cost.value(placement.nodes) - 1))
        if members <= cp_sat_up_to:
            from support.allocating import by_cp_sat

            theirs.append(timed(by_cp_sat, found)[0])
    p95 = sorted(ours)[max(0, -(-95 * len(ours) // 100) - 1)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    cells = [
        members,
        strategy,
        *(f"{value:.0f}" for value in (statistics.median(ours), p95, max(ours))),
        f"{sum(gap > 0 for gap in gaps)} ({max(gaps):.1e})",
        f"{statistics.median(theirs):.0f}" if theirs else "-",
        f"{statistics.median(simple):.0f}",
        f"{statistics.median(above):.1f} % ({len(above)})" if above else f"- (0 of {instances})",
        memory,
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.allocate", description=__doc__)
    parser.add_argument("--instances", type=int, default=30, help="seeded problems per row")
    parser.add_argument("--members", type=int, nargs="*", default=SIZES, help="rows of the table")
    parser.add_argument("--cp-sat-up-to", type=int, default=10, help="members up to which CP-SAT is tried, too")
    options = parser.parse_args()
    print("| members | strategy | median | p95 | worst | gaps (largest) | CP-SAT | greedy | greedy above | MiB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for strategy in (Strategy.COST, Strategy.WEIGHTED):
        for members in options.members:
            print(row(members, strategy, options.instances, options.cp_sat_up_to))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
