"""Whatever is called, done by hand or goes wrong: every invariant holds after each step, and the journal replays.

Each case is a fresh start of one lab, driven by the vendors' own clients. A failure prints the case's seed and steps.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.invariants import check
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.replay import differences, play
from multicloud_lab.serve import make_lab
from multicloud_lab.thread import LabThread
from support.anycalls import SEED, Steps

PARTS = 20
CASES, CASES_IN_FULL = 200, 2000
STEPS = 30


@pytest.fixture(scope="module")
def running() -> Iterator[LabThread]:
    with LabThread(SEED) as lab:
        yield lab


@pytest.fixture(scope="module")
def steps(running: LabThread) -> Iterator[Steps]:
    steps = Steps(running)
    yield steps
    steps.close()


def replayed(lab: Lab) -> list[str]:
    """What is different after a replay of the journal, or wrong with it."""
    fresh = make_lab(lab.seed, VirtualClock(lab.clock.start))
    # As they are after a way through a file: what is no JSON would be lost there.
    entries = [replace(each, arguments=json.loads(json.dumps(each.arguments))) for each in lab.journal.entries()]
    play(entries, fresh, lab.clock.now())
    return differences(lab, fresh) + check(fresh)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_lab_stays_sound_and_its_journal_replays(
    running: LabThread, steps: Steps, seed: int, full: bool, part: int
) -> None:
    for number in range(part, CASES_IN_FULL if full else CASES, PARTS):
        case = f"{seed}/{number}"
        rng = Random(case)  # noqa: S311  (repeatable on purpose)
        running.run(lambda lab: lab.reset())
        done = [f"case {case}"]
        for _ in range(STEPS):
            done.append(steps.take(rng))
            broken = running.violations()
            assert not broken, "\n".join([*broken, *done])
        different = running.run(replayed)
        assert not different, "\n".join([*different, *done])
