"""SIGKILL after any number of calls: the process that follows brings every pool to its size, with one resize a wish.

test_crash kills at every await point on purpose; here chance says when. Several rows of processes live and die side by
side, each on clouds and in a namespace of its own.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.samples import CLOUDS, FOUND, member, pool
from support.stage import MOST_CALLS, QUICK_LEASE, SIZES, Resize, a_stage

pytestmark = pytest.mark.slow

ROWS = 3
SAMPLED_KILLS, ALL_KILLS = 24, 198


def test_no_kill_makes_a_second_resize(
    our_kinds: ControlPlane,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    full: bool,
    proved: Callable[[str, int], None],
) -> None:
    kills = (ALL_KILLS if full else SAMPLED_KILLS) // ROWS

    def row(number: int) -> None:
        _live_and_die(our_kinds, tmp_path_factory.mktemp(f"row-{number}"), Random(f"{seed} {number}"), kills)  # noqa: S311 - chance is the point

    with ThreadPoolExecutor(max_workers=ROWS, thread_name_prefix="row") as rows:
        list(rows.map(row, range(ROWS)))
    proved("SIGKILLs of a running operator", kills * ROWS)


def _live_and_die(plane: ControlPlane, directory: Path, chance: Random, kills: int) -> None:
    with a_stage(plane, directory) as stage:
        stage.given_accounts()
        stage.api.create_all([pool(cloud, member(cloud)) for cloud in CLOUDS])
        operator = stage.operator("0", lease=QUICK_LEASE)
        operator.start()
        for cloud in CLOUDS:
            stage.until_found(cloud)
        size = FOUND
        for number in range(1, kills + 1):
            wish = chance.choice([other for other in SIZES if other != size])
            before = {cloud: stage.resizes(cloud) for cloud in CLOUDS}
            for cloud in CLOUDS:
                stage.api.scale(cloud, wish)
            stage.until_heard(chance.randrange(MOST_CALLS), operator)
            operator.kill()
            operator = stage.operator(str(number), lease=QUICK_LEASE)
            operator.start()
            stage.until_every_pool_has(wish, operator)
            for cloud in CLOUDS:
                assert stage.resizes(cloud) == [*before[cloud], Resize(size, wish)], stage.tell()
            size = wish
