"""Fair shares in closed form: how many units each member should carry if nodes could be cut at will.

Weighted shares fill up like water: level × weight, within each member's bounds. Priority fills the highest group
first, each group by weight. What a member has to keep is respected first. `program` then finds the whole nodes.
"""

from collections.abc import Sequence
from fractions import Fraction

from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Strategy


def fair_shares(choices: Sequence[Choice], units: int, strategy: Strategy) -> dict[str, int]:
    """Share `units` over the choices, in units by member name. Sums to `units` as far as bounds allow."""
    rest = units - sum(choice.lowest * choice.units for choice in choices)
    shares: dict[str, int] = {}
    for group in tiers(choices, strategy):
        kept = sum(choice.lowest * choice.units for choice in group)
        room = sum(choice.highest * choice.units for choice in group) - kept
        given = max(0, min(rest, room))
        rest -= given
        shares |= weighted(group, kept + given)
    return shares


def tiers(choices: Sequence[Choice], strategy: Strategy) -> list[list[Choice]]:
    """Groups of choices, each filled before the next: by priority where the strategy says so, drained ones last."""
    groups: dict[tuple[bool, int], list[Choice]] = {}
    for choice in choices:
        rank = -choice.priority if strategy is Strategy.PRIORITY else 0
        groups.setdefault((choice.draining, rank), []).append(choice)
    return [groups[key] for key in sorted(groups)]


def weighted(choices: Sequence[Choice], units: int) -> dict[str, int]:
    """Share `units` by weight within bounds; weight 0 gets more than it must keep only when the others are full."""
    heavy = [choice for choice in choices if choice.weight > 0]
    light = [choice for choice in choices if choice.weight == 0]
    kept = sum(choice.lowest * choice.units for choice in light)
    full = sum(choice.highest * choice.units for choice in heavy)
    for_heavy = min(units - kept, full)
    shares = _filled([(choice, choice.weight) for choice in heavy], for_heavy)
    shares |= _filled([(choice, 1) for choice in light], units - for_heavy)
    return _rounded(choices, shares)


def _filled(choices: Sequence[tuple[Choice, int]], units: int) -> dict[str, Fraction]:
    """Water-filling, exact: fix whoever the level pushes out of bounds, on the side that weighs more, and repeat."""
    shares: dict[str, Fraction] = {}
    free, rest = list(choices), Fraction(units)
    while free:
        level = rest / sum(weight for _, weight in free)
        over, under = Fraction(0), Fraction(0)
        for choice, weight in free:
            wanted = level * weight
            over += max(Fraction(0), wanted - choice.highest * choice.units)
            under += max(Fraction(0), choice.lowest * choice.units - wanted)
        if over == under:
            # Both sides cancel out: the level is final for everybody, bounds included.
            return shares | {choice.name: _bounded(choice, level * weight) for choice, weight in free}
        kept: list[tuple[Choice, int]] = []
        for choice, weight in free:
            bounded = _bounded(choice, level * weight)
            if (bounded < level * weight) if over > under else (bounded > level * weight):
                shares[choice.name] = bounded
                rest -= bounded
            else:
                kept.append((choice, weight))
        free = kept
    return shares


def _bounded(choice: Choice, units: Fraction) -> Fraction:
    return max(Fraction(choice.lowest * choice.units), min(Fraction(choice.highest * choice.units), units))


def _rounded(choices: Sequence[Choice], shares: dict[str, Fraction]) -> dict[str, int]:
    """Whole units by largest remainder, ties by name."""
    whole = {name: share.numerator // share.denominator for name, share in shares.items()}
    rest = round(sum(shares.values(), Fraction(0))) - sum(whole.values())
    order = sorted((choice.name for choice in choices), key=lambda name: (whole[name] - shares[name], name))
    for name in order[:rest]:
        whole[name] += 1
    return whole
