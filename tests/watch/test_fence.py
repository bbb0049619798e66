import pytest

from multicloud.model.error import NotSent
from multicloud.model.plan import Stop
from multicloud.model.reason import Code
from multicloud.watch.elector import LeaseFence
from support.clock import VirtualClock

ROWS: list[tuple[str, float, float, Stop, bool, Code | None]] = [
    ("held long enough", 15, 0, Stop.NONE, False, None),
    ("held exactly long enough", 3, 0, Stop.NONE, False, None),
    ("held for less than the send takes", 2.9, 0, Stop.NONE, False, Code.NOT_LEADER),
    ("not held any more", -1, 0, Stop.NONE, False, Code.NOT_LEADER),
    ("waiting for the dead leader", 15, 5, Stop.NONE, False, Code.NOT_LEADER),
    ("waited exactly long enough", 15, 0, Stop.NONE, False, None),
    ("stopped", 15, 0, Stop.ALL, False, Code.STOPPED),
    ("a removal, stopped like everything", 15, 0, Stop.ALL, True, Code.STOPPED),
    ("a removal while nothing is stopped", 15, 0, Stop.NONE, True, None),
    ("a removal while removals are stopped", 15, 0, Stop.SHRINK_ONLY, True, Code.STOPPED_SHRINK),
    ("growth while removals are stopped", 15, 0, Stop.SHRINK_ONLY, False, None),
]


@pytest.mark.parametrize(
    ("left_s", "opens_in_s", "stop", "removes", "refused"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_what_may_pass(left_s: float, opens_in_s: float, stop: Stop, removes: bool, refused: Code | None) -> None:
    clock = VirtualClock()
    clock.advance(100)
    fence = LeaseFence(clock)
    fence.set_stop(stop)
    fence.extend(100 + left_s, 100 + opens_in_s)
    if refused is None:
        fence.check(3, removes=removes)
    else:
        with pytest.raises(NotSent) as refusal:
            fence.check(3, removes=removes)
        assert refusal.value.reason.code is refused


def test_nothing_passes_before_the_stop_switch_was_read_once() -> None:
    fence = LeaseFence(VirtualClock())
    fence.extend(15, 0)
    with pytest.raises(NotSent):
        fence.check(3, removes=False)


def test_nothing_passes_before_a_lease_was_held() -> None:
    fence = LeaseFence(VirtualClock())
    fence.set_stop(Stop.NONE)
    with pytest.raises(NotSent):
        fence.check(0, removes=False)
