"""The sizes that may be asked for now, with what growth and removals share while they are found. `gates` fills them in."""

from dataclasses import dataclass

from multicloud.decide.standing import Standing
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """The sizes to ask for, in nodes by member name, and why a wanted change waits or goes only part of the way."""

    sizes: dict[str, int]
    waits: dict[str, Reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The `desired` units, and those that must stay ready while nodes go: the desired ones, or what can be had of them.

    `surplus` is what nobody wishes for, apart from what stands in for others in a move. `placed` is what all is to end
    with, `most` what may be asked for on the way.
    """

    desired: int
    need: int
    surplus: int
    placed: int
    most: int


class Brake:
    """What this plan may still add and remove: fleet-wide and per account."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Start with the room that `act` left in the snapshot."""
        self._add = {"": snapshot.headroom.add}
        self._remove = {"": snapshot.headroom.remove}
        for view in snapshot.members:
            account, room = _account(view.spec.account), view.headroom
            self._add[account] = min(room.add, self._add.get(account, room.add))
            self._remove[account] = min(room.remove, self._remove.get(account, room.remove))

    def room(self, standing: Standing, *, removing: bool) -> int:
        """Nodes that the member may still gain or lose."""
        rooms = self._remove if removing else self._add
        return max(0, min(rooms[""], rooms[_account(standing.view.spec.account)]))

    def use(self, standing: Standing, nodes: int) -> None:
        """Count nodes gained (positive) or lost (negative)."""
        rooms = self._add if nodes > 0 else self._remove
        for key in ("", _account(standing.view.spec.account)):
            rooms[key] -= abs(nodes)


def _account(name: str) -> str:
    return f"account {name}"


BRAKE = Reason(code=Code.BRAKE, text="the fleet-wide brake lets no more nodes through for now")
BACKED_OFF = Reason(
    code=Code.BACKED_OFF, text="a resize failed in the cloud; the next attempt waits for status.backoffUntil"
)
QUIET = Reason(
    code=Code.FOREIGN_OPERATION, text="somebody else's operation has just ended; the size it left is not judged yet"
)
