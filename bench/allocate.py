"""How long placing takes, and how good it is: `make bench-allocate [ARGS="--members 10 30 --cp-sat-seconds 10"]`.

Seeded problems with every rule on, the same for all three: the product's program, CP-SAT with one worker (a chain of the
same levels, from the tests' own reading of the rules; given up after a while) and a greedy placement. Above a hundred
members, CP-SAT and greedy get the first few of the problems only. Times are processor milliseconds of one solve; "above" is
the cost above the program's, where both miss nothing. MiB is the most memory of a process that solved the row's problems.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import TypeVar

from multicloud.decide.place.greedy import greedy
from multicloud.decide.place.levels import cost_row, shortfalls
from multicloud.decide.place.problem import Problem, Survival
from multicloud.decide.place.program import solved_by_highs
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Loss, Strategy

SIZES = (10, 30, 100, 300, 1000)
MANY = 100
"""Members above which the other two get few problems: greedy takes half a minute for each of a thousand members."""

CLOUDS = ("aws", "azure", "gcp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a line of the table is about. `few` problems of more than MANY members are for the other two."""

    members: int
    strategy: Strategy
    instances: int
    few: int
    cp_sat_s: float


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


def line(row: Row) -> str:
    """One line of the table."""
    # An operator loads the solver once.
    solved_by_highs(problem(row.instances, 3, row.strategy))
    problems = [problem(seed, row.members, row.strategy) for seed in range(row.instances)]
    solved = [timed(solved_by_highs, found) for found in problems]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    ours, gaps = sorted(spent for spent, _ in solved), [float(placement.gap) for _, placement in solved]
    others = problems[: row.few] if row.members > MANY else problems
    cells = [
        row.members,
        row.strategy,
        *(f"{value:.0f}" for value in (statistics.median(ours), ours[-(-95 * len(ours) // 100) - 1], ours[-1])),
        f"{sum(gap > 0 for gap in gaps)} ({max(gaps):.1%})",
        memory,
        *by_greed(others, [placement.nodes for _, placement in solved]),
        by_proof(others, row.cp_sat_s),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def by_greed(problems: Sequence[Problem], best: Sequence[Sequence[int]]) -> tuple[str, str]:
    """What greedy takes, and how much dearer it is where it misses nothing."""
    spent: list[float] = []
    above: list[float] = []
    for found, nodes in zip(problems, best, strict=False):
        took, sizes = timed(partial(greedy, hold=None), found)
        spent.append(took)
        cost = cost_row(found)
        if not any(want.value(sizes) for want in shortfalls(found, None)):
            above.append(100 * (cost.value(sizes) / cost.value(nodes) - 1))
    dearer = f"{statistics.median(above):.1f} %" if above else "-"
    return f"{statistics.median(spent):.0f}", f"{dearer} ({len(above)} of {len(problems)})"


def by_proof(problems: Sequence[Problem], within_s: float) -> str:
    """What CP-SAT takes, and how many problems it proves in its time."""
    from support.allocating import OutOfTime, by_cp_sat

    spent: list[float] = []
    proved = 0
    for found in problems:
        began = time.process_time()
        try:
            by_cp_sat(found, within_s)
            proved += 1
        except OutOfTime:
            pass
        spent.append(1000 * (time.process_time() - began))
    return f"{statistics.median(spent):.0f} ({proved} of {len(problems)})"


def main() -> None:
    """Print the table, each line from a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.allocate", description=__doc__)
    parser.add_argument("--instances", type=int, default=30, help="seeded problems per row")
    parser.add_argument("--few", type=int, default=5, help=f"problems for the other two above {MANY} members")
    parser.add_argument("--members", type=int, nargs="*", default=SIZES, help="rows of the table")
    parser.add_argument("--cp-sat-seconds", type=float, default=10, help="after which CP-SAT is given up")
    options = parser.parse_args()
    print(
        "| members | strategy | median | p95 | worst | not proved (largest gap) | MiB | greedy | dearer | CP-SAT (proved) |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    rows = [
        Row(
            members=members,
            strategy=strategy,
            instances=options.instances,
            few=options.few,
            cp_sat_s=options.cp_sat_seconds,
        )
        for strategy in (Strategy.COST, Strategy.WEIGHTED)
        for members in options.members
    ]
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), max_tasks_per_child=1) as apart:
        for told in apart.map(line, rows):
            print(told, flush=True)


if __name__ == "__main__":
    main()
