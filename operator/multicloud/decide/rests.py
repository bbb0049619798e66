"""Removals go step by step: when a step is over, and when nodes may go at all.

`decision` judges every standing here once it is settled, `gates` ask before a removal goes out. What a step did is remembered
with its members (Removal), so that a restart waits on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from multicloud.decide.schedule import active, next_change
from multicloud.decide.standing import Standing
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Removal
from multicloud.model.spec import Action, Disruption

REAPPEAR: Final = timedelta(seconds=60)
"""Where nodes went without being drained, their pods are made anew only when the cluster has noticed: by default after a
node monitor's 50 s. An earlier count of them proves nothing."""


LOOK_AGAIN: Final = timedelta(seconds=15)
"""How often pods that are waited for are looked at: nobody is woken for them."""


def stepped(standing: Standing, snapshot: Snapshot) -> Standing:
    """The standing with what the next removal still has to wait for."""
    removal = standing.record.removal
    if removal is None:
        return standing
    ended_at = None if is_removing(standing) else removal.ended_at or snapshot.now
    now: Removal | None = replace(removal, ended_at=ended_at)
    if ended_at is not None and _why_resting(standing, ended_at, snapshot) is None:
        now = None
    return replace(standing, record=replace(standing.record, removal=now))


def is_removing(standing: Standing) -> bool:
    """True while nodes of the member are on their way out."""
    if standing.refusal is not None or standing.frozen:
        return False
    intent, facts = standing.record.intent, standing.fresh_facts
    if intent is not None and intent.target < intent.origin:
        return True
    return facts is not None and facts.nodes > facts.requested


def why_waiting(standings: Sequence[Standing], snapshot: Snapshot) -> Reason | None:
    """Why the next step may not begin yet."""
    by_name = sorted(standings, key=lambda one: one.name)
    for standing in by_name:
        if is_removing(standing):
            text = f"the removal from {standing.name} has to end first"
            return Reason(code=Code.WAITING_FOR_STEP, text=text)
    for standing in by_name:
        removal = standing.record.removal
        if removal is not None and removal.ended_at is not None:
            reason = _why_resting(standing, removal.ended_at, snapshot)
            if reason is not None:
                return reason
    return None


def _why_resting(standing: Standing, ended_at: datetime, snapshot: Snapshot) -> Reason | None:
    pause_s = snapshot.spec.disruption.step_pause_s
    pause = timedelta(seconds=pause_s)
    removal, counted = standing.record.removal, standing.view.inside.counted
    before = removal.unscheduled if removal is not None else None
    now = counted.unscheduled if counted is not None else None
    if before is None or now is None:
        if snapshot.now >= ended_at + pause:
            return None
        text = (
            f"spec.disruption.stepPauseSeconds ({pause_s} s) have to pass after the last nodes of {standing.name} went"
        )
        return Reason(code=Code.STEP_PAUSE, text=text)
    longest_s = snapshot.spec.failover.provision_timeout_s
    all_placed = now <= before and snapshot.now >= ended_at + min(REAPPEAR, pause)
    if all_placed or snapshot.now >= ended_at + timedelta(seconds=longest_s):
        return None
    text = (
        f"pods in the cluster of {standing.name} have to get nodes again before more go; "
        f"they are waited for no longer than failover.provisionTimeoutSeconds ({longest_s} s)"
    )
    return Reason(code=Code.WAITING_FOR_PODS, text=text)


def rests_until(standing: Standing, snapshot: Snapshot) -> Iterator[datetime]:
    """When to look whether the wait after a removal is over: by time alone, or because pods got their nodes."""
    removal = standing.record.removal
    if removal is None or removal.ended_at is None:
        return
    pause = timedelta(seconds=snapshot.spec.disruption.step_pause_s)
    for wait in (min(REAPPEAR, pause), pause, timedelta(seconds=snapshot.spec.failover.provision_timeout_s)):
        yield removal.ended_at + wait
    if removal.unscheduled is not None and snapshot.now >= removal.ended_at + min(REAPPEAR, pause):
        yield snapshot.now + LOOK_AGAIN


def why_outside(action: Action, disruption: Disruption, now: datetime) -> Reason | None:
    """Why an action may not be done now: windows are for it, and none of them is open."""
    windows = [window for window in disruption.windows if action in window.allow]
    if not windows or any(active(window.schedule, now) for window in windows):
        return None
    times = "; ".join(f"{one.schedule.cron} {one.schedule.zone.key}" for one in windows)
    return Reason(code=Code.OUTSIDE_WINDOWS, text=f"{action} waits for one of spec.disruption.windows to open: {times}")


def window_changes(disruption: Disruption, now: datetime) -> Iterator[datetime]:
    """When a window opens or closes next."""
    for window in disruption.windows:
        change = next_change(window.schedule, now)
        if change is not None:
            yield change
