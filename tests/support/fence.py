"""A leader's fence in the hand of a test."""

from dataclasses import dataclass

from multicloud.model.error import NotSent
from multicloud.model.plan import Stop
from multicloud.model.reason import Code, Reason


@dataclass(slots=True)
class OpenFence:
    """The fence of a leader: open unless the story closes it."""

    stop: Stop = Stop.NONE
    leading: bool = True

    def check(self, budget_s: float, *, removes: bool) -> None:
        assert budget_s > 0
        if not self.leading:
            raise NotSent(Reason(code=Code.NOT_LEADER, text="not the leader"))
        if self.stop is Stop.ALL:
            raise NotSent(Reason(code=Code.STOPPED, text="stopped"))
        if removes and self.stop is Stop.SHRINK_ONLY:
            raise NotSent(Reason(code=Code.STOPPED_SHRINK, text="removals are stopped"))
