"""When nodes move for a saving alone: it has to be worth it, and to have stood for a while.

Without it a pool under strategy Cost would follow every flicker of a price. From two placements of the same problem,
one that stays and one that moves, to the one that counts, and to what is remembered of the saving.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from multicloud.decide.place.problem import Problem
from multicloud.model.record import Saving
from multicloud.model.spec import MoveWhenSaving


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Ten-thousandths of the currency per hour: what runs now, and the two placements.

    `under_way`: nodes that came in a move stand in for others that have not gone yet.
    """

    now: int
    staying: int
    moving: int
    under_way: bool = False


def judged(costs: Costs, prices: str, rule: MoveWhenSaving, known: Saving | None, now: datetime) -> Saving | None:
    """What to remember of the saving; nodes may move for it when it says so. None where it is not worth a move.

    A move that has begun goes on while anything is left to save, or to go, at the prices that it began with.
    """
    saved = costs.staying - costs.moving
    if known is not None and known.moving and known.prices == prices and (saved > 0 or costs.under_way):
        return known
    if saved <= 0 or 100 * saved < rule.percent * costs.now:
        return None
    # After a move began at other prices the clock begins anew: the saving is another one.
    since = now if known is None or known.moving else known.since
    return Saving(since=since, moving=stands_at(since, rule) <= now, prices=prices)


def stands_at(since: datetime, rule: MoveWhenSaving) -> datetime:
    """When a saving has stood for long enough."""
    return since + timedelta(seconds=rule.for_s)


def prices_of(problem: Problem) -> str:
    """A short word that changes with any price of any member."""
    told = sorted((one.name, one.price) for one in (*problem.choices, *problem.fixed))
    return sha256(repr(told).encode()).hexdigest()[:16]
