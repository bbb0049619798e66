"""SIGSTOP of the leader at any moment, a follower that takes over, SIGCONT: the old one lets nothing out any more.

A request that had passed the fence when its process was frozen cannot be recalled, by no lease. It is seen, counted
and corrected by the new leader, which is told here on purpose, and left to chance in the rows of freezes.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.api_gate import member_of, status_of
from support.operator_process import OperatorProcess
from support.samples import CLOUDS, FOUND, RESIZE, member, pool
from support.stage import MOST_CALLS, QUICK_LEASE, SIZES, Resize, Stage, a_stage

pytestmark = pytest.mark.slow

ROWS = 2
SAMPLED_FREEZES, ALL_FREEZES = 10, 200
WAKES_S = 15.0
CAUGHT_S = 20.0
PATIENT_S = 60


def test_a_frozen_leader_lets_nothing_out_and_the_new_one_has_its_way(
    our_kinds: ControlPlane,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    full: bool,
    proved: Callable[[str, int], None],
) -> None:
    freezes = (ALL_FREEZES if full else SAMPLED_FREEZES) // ROWS

    def row(number: int) -> int:
        chance = Random(f"{seed} {number}")  # noqa: S311 - chance is the point
        return _freeze_and_thaw(our_kinds, tmp_path_factory.mktemp(f"row-{number}"), chance, freezes)

    with ThreadPoolExecutor(max_workers=ROWS, thread_name_prefix="row") as rows:
        late = list(rows.map(row, range(ROWS)))
    proved("freezes of a leader", freezes * ROWS)
    proved("requests frozen on their way", sum(late))


def _freeze_and_thaw(plane: ControlPlane, directory: Path, chance: Random, freezes: int) -> int:
    """Play a row; returns how many requests a frozen process had on the way."""
    late = 0
    with a_stage(plane, directory) as stage:
        stage.given_accounts()
        stage.api.create_all([pool(cloud, member(cloud)) for cloud in CLOUDS])
        old = stage.operator("0", lease=QUICK_LEASE)
        old.start()
        for cloud in CLOUDS:
            stage.until_found(cloud)
        size = FOUND
        for number in range(1, freezes + 1):
            new = stage.operator(str(number), lease=QUICK_LEASE)
            new.start()
            new.until_ready()
            old.revive()
            wish, other = chance.sample([other for other in SIZES if other != size], 2)
            for cloud in CLOUDS:
                stage.api.scale(cloud, wish)
            stage.until_heard(chance.randrange(MOST_CALLS), old)
            old.freeze()
            on_the_way = _on_the_way(stage, wish)
            for cloud in CLOUDS:
                stage.api.scale(cloud, other)
            stage.until_every_pool_has(other, new)
            late += _thaw(stage, old, on_the_way)
            stage.until_every_pool_has(other, new)
            old, size = new, other
    return late


def _on_the_way(stage: Stage, wish: int) -> set[tuple[str, int]]:
    """Calls that a process frozen now may have on its way: the intent is persisted, and nothing has come."""
    came = {(call["cloud"], call["to"]) for call in stage.cloud_writes()[-len(CLOUDS) :]}
    persisted = {
        (cloud, wish)
        for cloud in CLOUDS
        if stage.gate.requests(status_of(cloud, lambda status: _target(status) == wish))
    }
    return persisted - came


def _target(status: dict[str, Any]) -> int | None:
    target: int | None = (member_of(status)["intent"] or {}).get("target")
    return target


def _thaw(stage: Stage, old: OperatorProcess, on_the_way: set[tuple[str, int]]) -> int:
    """Wake the old leader up and wait for its end; returns how many calls it had on the way. No other may come of it."""
    before = len(stage.cloud_writes())
    old.thaw()
    assert old.wait(WAKES_S) != 0, old.tail()
    came = [(call["cloud"], call["to"]) for call in stage.cloud_writes()[before:]]
    late = [call for call in came if call in on_the_way]
    wanted = {cloud: stage.api.pool(cloud)["spec"]["replicas"] for cloud in CLOUDS}
    assert len(set(late)) == len(late), stage.tell()
    assert all(call in on_the_way or call[1] == wanted[call[0]] for call in came), f"{came}\n{stage.tell()}"
    return len(late)


def test_a_request_that_was_frozen_on_its_way_is_counted_and_corrected(stage: Stage) -> None:
    stage.api.create_all([pool(cloud, member(cloud)) for cloud in CLOUDS])
    old = stage.operator("old", callTimeoutSeconds=PATIENT_S)
    old.start()
    for cloud in CLOUDS:
        stage.until_found(cloud)
    new = stage.operator("new")
    new.start()
    new.until_ready()

    # Past the fence, and not yet with the cloud: the lab's side of the network keeps it.
    on_the_way = {cloud: stage.hold_call(RESIZE[cloud]) for cloud in CLOUDS}
    for cloud in CLOUDS:
        stage.api.scale(cloud, 9)
    for each in on_the_way.values():
        each.wait(CAUGHT_S, stage.tell)
    old.freeze()
    for cloud in CLOUDS:
        stage.api.scale(cloud, 6)
    stage.until_every_pool_has(6, new)
    assert [stage.resizes(cloud) for cloud in CLOUDS] == [[Resize(FOUND, 6)]] * 3, stage.tell()

    for each in on_the_way.values():
        each.release()
    for cloud in ("aws", "gcp"):
        stage.until(partial(_went_back, stage, cloud), f"{cloud} goes back")
    stage.until_every_pool_has(6, new)
    assert stage.resizes("azure") == [Resize(FOUND, 6)], "its compare-and-set refuses what is late"
    assert new.metric("multicloud_late_resizes_total") == 2
    old.thaw()
    assert old.wait(WAKES_S) != 0


def _went_back(stage: Stage, cloud: str) -> bool:
    """The late request shows, and then nothing but removals until the size is right; late nodes may still boot."""
    _, *later = stage.resizes(cloud)
    return later[:1] == [Resize(6, 9)] and later[-1].to == 6 and all(each.to < each.origin for each in later[1:])
