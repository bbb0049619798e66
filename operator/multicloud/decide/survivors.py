"""What must stay ready elsewhere while nodes go, so that a loss in the middle of a move is survived like one after it.

From the ready units that are proved and those that the plan ends with to what a removal may take from a member.
"""

from collections.abc import Mapping, Sequence

from multicloud.decide.place.levels import place_of
from multicloud.decide.standing import Standing
from multicloud.model.plan import Snapshot
from multicloud.model.spec import Loss, MemberState

_ANY = 1 << 40


class Survivors:
    """Ready units outside of each domain that `allocation.survive` names, beyond those that have to stay.

    So many have to stay as the rule asks for, or as the plan ends with where that is fewer. Where fewer are ready now,
    nothing goes from outside of the domain. Drained members are leaving: they never count.
    """

    def __init__(
        self, standings: Sequence[Standing], targets: Mapping[str, int | None], snapshot: Snapshot, desired: int
    ) -> None:
        """Count them for every domain of every rule."""
        counted = [one for one in standings if not one.absent and one.view.spec.state is not MemberState.DRAIN]
        self._spare: dict[tuple[Loss, tuple[str, ...]], int] = {}
        for rule in snapshot.spec.survive:
            for domain in {place_of(one.view.spec, rule.loss) for one in counted}:
                others = [one for one in counted if place_of(one.view.spec, rule.loss) != domain]
                planned = sum((targets[one.name] or 0) * one.units_per_node for one in others)
                asked = -(-rule.keep_percent * desired // 100)
                self._spare[rule.loss, domain] = sum(one.proved_units for one in others) - min(asked, planned)

    def room(self, standing: Standing) -> int:
        """Ready units that may go from the member."""
        if standing.view.spec.state is MemberState.DRAIN:
            return _ANY
        return min((spare for at, spare in self._spare.items() if _outside(standing, at)), default=_ANY)

    def use(self, standing: Standing, units: int) -> None:
        """Count ready units that go from the member."""
        if standing.view.spec.state is MemberState.DRAIN:
            return
        for at in self._spare:
            if _outside(standing, at):
                self._spare[at] -= units


def _outside(standing: Standing, at: tuple[Loss, tuple[str, ...]]) -> bool:
    loss, domain = at
    return place_of(standing.view.spec, loss) != domain
