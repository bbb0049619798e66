"""The operator process is killed at every await point of a resize, on each cloud: the journal shows one resize a wish.

One story per point: three pools (one per cloud) get a higher wish at once, each is caught at the point, then SIGKILL
hits the process; a second process takes over and must bring every pool to its size without a second effective resize.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.api_gate import member_of, status_of
from support.samples import CLOUDS, FOUND, POLL, RESIZE, member, pool
from support.stage import Resize, Stage, Stopped, a_stage
from support.waiting import stays

pytestmark = pytest.mark.slow

WISHED = 9
SMALLER = 6
CAUGHT_S = 20.0
PATIENT_S = 60
"""Deadline of the first one's calls: none gives up by itself while the others are being caught."""
STORY_S = 300.0
"""Longest wait for one of them, those before it in the row included."""

Catch = Callable[[Stage, str], Stopped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place where the process may die. `committed`: the cloud had taken the resize by then."""

    name: str
    catch: Catch
    committed: bool


def _intends(status: dict[str, Any]) -> bool:
    seen = member_of(status)
    return seen.get("intent") is not None and seen.get("operation") is None


def _accepted(status: dict[str, Any]) -> bool:
    return member_of(status).get("operation") is not None


def _ended(status: dict[str, Any]) -> bool:
    seen = member_of(status)
    return seen.get("intent") is None and seen.get("lastResize") is not None


POINTS = [
    Point(
        name="persist: the intent does not reach the API server",
        catch=lambda stage, cloud: stage.gate.hold(status_of(cloud, _intends)),
        committed=False,
    ),
    Point(
        name="persisted: the answer is not read, nothing was sent",
        catch=lambda stage, cloud: stage.gate.hold(status_of(cloud, _intends), when="after"),
        committed=False,
    ),
    Point(
        name="send: the call does not reach the cloud",
        catch=lambda stage, cloud: stage.hold_call(RESIZE[cloud]),
        committed=False,
    ),
    Point(
        name="answer: the cloud took it, its answer is not read",
        catch=lambda stage, cloud: stage.hold_call(RESIZE[cloud], when="after"),
        committed=True,
    ),
    Point(
        name="report: the operation's id is not written",
        catch=lambda stage, cloud: stage.gate.hold(status_of(cloud, _accepted)),
        committed=True,
    ),
    Point(
        name="poll: the first poll is not answered",
        catch=lambda stage, cloud: stage.hold_call(POLL[cloud]),
        committed=True,
    ),
    Point(
        name="report: the end is not written",
        catch=lambda stage, cloud: stage.gate.hold(status_of(cloud, _ended)),
        committed=True,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What was found of one cloud when a story had ended; `words` tell the whole world."""

    nodes: int | None
    resizes: list[Resize]
    outcome: str | None
    words: str


Story = dict[str, Ending]
"""How it ended, by cloud."""


def _crash_at(point: Point, plane: ControlPlane, directory: Path) -> Story:
    with a_stage(plane, directory) as stage:
        stage.given_accounts()
        stage.api.create_all([pool(cloud, member(cloud)) for cloud in CLOUDS])
        first = stage.operator("first", callTimeoutSeconds=PATIENT_S)
        first.start()
        for cloud in CLOUDS:
            stage.until_found(cloud)
        caught = [point.catch(stage, cloud) for cloud in CLOUDS]
        for cloud in CLOUDS:
            stage.api.scale(cloud, WISHED)
        for each in caught:
            each.wait(CAUGHT_S, stage.tell)
        assert first.runs, first.tail()
        first.kill()
        for each in caught:
            each.release("drop")
        before = [Resize(FOUND, WISHED)] if point.committed else []
        assert [stage.resizes(cloud) for cloud in CLOUDS] == [before] * 3, stage.tell()
        stage.operator("second").start()
        with suppress(AssertionError):  # told by the ending, cloud by cloud
            for cloud in CLOUDS:
                stage.until_nodes(cloud, WISHED)
        return {cloud: _ending(stage, cloud) for cloud in CLOUDS}


def _ending(stage: Stage, cloud: str) -> Ending:
    seen = stage.member(cloud, cloud)
    return Ending(
        nodes=seen.get("readyNodes"),
        resizes=stage.resizes(cloud),
        outcome=(seen.get("lastResize") or {}).get("outcome"),
        words=stage.tell(),
    )


@pytest.fixture(scope="module")
def stories(our_kinds: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Story]]]:
    """Every story, by the name of its point, two at a time: most of each is waiting for a lease to run out."""
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="story") as played:
        yield {
            point.name: played.submit(_crash_at, point, our_kinds, tmp_path_factory.mktemp("crash")) for point in POINTS
        }
        played.shutdown(wait=True, cancel_futures=True)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_one_effective_resize_and_the_right_size(
    stories: Mapping[str, Future[Story]], point: Point, cloud: str
) -> None:
    ending = stories[point.name].result(STORY_S)[cloud]
    assert ending.nodes == WISHED, ending.words
    assert ending.resizes == [Resize(FOUND, WISHED)], ending.words
    assert ending.outcome == "Delivered", ending.words


def test_a_call_that_arrives_late_finds_nobody_who_acted_meanwhile(stage: Stage) -> None:
    """The bytes of a killed process may still reach the cloud: until then its wish is neither repeated nor overruled."""
    stage.api.create_all([pool(cloud, member(cloud)) for cloud in CLOUDS])
    first = stage.operator("first", callTimeoutSeconds=PATIENT_S)
    first.start()
    for cloud in CLOUDS:
        stage.until_found(cloud)
    late = [stage.hold_call(RESIZE[cloud]) for cloud in CLOUDS]
    for cloud in CLOUDS:
        stage.api.scale(cloud, WISHED)
    for each in late:
        each.wait(CAUGHT_S, stage.tell)
    first.kill()
    for cloud in CLOUDS:
        stage.api.scale(cloud, SMALLER)
    second = stage.operator("second", callTimeoutSeconds=PATIENT_S)
    second.start()
    second.until_leading()
    for cloud in CLOUDS:
        stage.until_desired(cloud, SMALLER)
    stays(lambda: not stage.cloud_writes(), "no cloud write", for_s=2, tell=stage.tell)
    for each in late:
        each.release()
    for cloud in CLOUDS:
        stage.until_nodes(cloud, SMALLER)
        first_one, *others = stage.resizes(cloud)
        assert first_one == Resize(FOUND, WISHED), stage.tell()
        # Down in one step, or in more where the late nodes were still booting; never up again.
        assert others, stage.tell()
        assert all(SMALLER <= each.to < each.origin for each in others), stage.tell()
