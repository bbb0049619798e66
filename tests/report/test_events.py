"""Events: each told once, never a flood, never in the way."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from multicloud.model.reason import Code, Reason
from multicloud.model.record import Condition
from multicloud.model.spec import PoolObject
from multicloud.report.events import BURST, REFILL_S, REPEAT_S, Recorder
from support.builders import NOW, POOL
from support.clock import VirtualClock
from support.scripted import ScriptedSink

ABOUT = PoolObject(key=POOL, uid="u", generation=1, resource_version="1", spec=None)


def condition(kind: str, status: bool | None, code: Code = Code.AS_WISHED) -> Condition:
    return Condition(type=kind, status=status, reason=str(code), message="words", observed_generation=1, since=NOW)


def reason(text: str) -> Reason:
    return Reason(code=Code.DELIVERED, text=text)


async def test_the_same_words_are_told_again_only_after_a_while() -> None:
    sink, clock = ScriptedSink(), VirtualClock()
    recorder = Recorder(sink, clock)
    for _ in range(5):
        await recorder.tell(ABOUT, reason("done"), action="Resize")
    assert (len(sink.notes), recorder.dropped) == (1, 4)
    clock.advance(REPEAT_S)
    await recorder.tell(ABOUT, reason("done"), action="Resize")
    assert len(sink.notes) == 2


async def test_one_object_cannot_flood_the_api_server() -> None:
    sink, clock = ScriptedSink(), VirtualClock()
    recorder = Recorder(sink, clock)
    for number in range(100):
        await recorder.tell(ABOUT, reason(f"done {number}"), action="Resize")
    assert len(sink.notes) == BURST
    clock.advance(REFILL_S)
    await recorder.tell(ABOUT, reason("later"), action="Resize")
    await recorder.tell(ABOUT, reason("too soon"), action="Resize")
    assert len(sink.notes) == BURST + 1


async def test_a_post_that_fails_is_dropped_and_counted() -> None:
    recorder = Recorder(ScriptedSink(broken=True), VirtualClock())
    await recorder.tell(ABOUT, reason("done"), action="Resize")
    assert (recorder.posted, recorder.dropped) == (0, 1)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param([], [condition("Ready", True)], [], id="a new object that is well"),
        pytest.param([], [condition("Ready", False)], ["Warning Ready"], id="a new object that is not"),
        pytest.param([condition("Ready", True)], [condition("Ready", False)], ["Warning Ready"], id="no longer ready"),
        pytest.param([condition("Ready", False)], [condition("Ready", True)], ["Normal Ready"], id="ready again"),
        pytest.param([condition("Ready", True)], [condition("Ready", True)], [], id="as before"),
        pytest.param([], [condition("Stalled", True)], ["Warning Stalled"], id="stalled is bad when true"),
        pytest.param(
            [condition("Stalled", True)], [condition("Stalled", False)], ["Normal Stalled"], id="and well when not"
        ),
        pytest.param(
            [], [condition("AdoptionPending", True)], ["Normal AdoptionPending"], id="a floor is worth a word"
        ),
        pytest.param([], [condition("AdoptionPending", False)], [], id="no floor is not"),
        pytest.param([condition("Scaling", False)], [condition("Scaling", True)], [], id="a routine resize"),
        pytest.param([condition("Ready", True)], [condition("Ready", None)], [], id="not knowing is no event"),
    ],
)
async def test_transitions(before: Sequence[Condition], after: Sequence[Condition], told: list[str]) -> None:
    sink = ScriptedSink()
    await Recorder(sink, VirtualClock()).transitions(ABOUT, before, after)
    assert [f"{'Warning' if note.warning else 'Normal'} {note.action}" for note in sink.notes] == told


async def test_a_drift_of_another_member_is_told_while_one_stands() -> None:
    sink = ScriptedSink()
    recorder = Recorder(sink, VirtualClock())
    one, two = (replace(condition("Drifted", True), message=words) for words in ("a", "a, b"))
    for before, after in (((), one), ((one,), one), ((one,), two), ((two,), two)):
        await recorder.transitions(ABOUT, before, [after])
    assert [note.reason.text for note in sink.notes] == ["Drifted: a", "Drifted: a, b"]
