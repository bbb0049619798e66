"""ScalingPolicies with the status that an operator writes for them, decision after decision, through the real reporter."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from multicloud.decide.scale.history import remembered
from multicloud.decide.scale.policy import decide_policy
from multicloud.kinds.parse import policy_object
from multicloud.model.metric import JudgedPolicy
from multicloud.model.policy import PoolStanding, Reading
from multicloud.model.record import PolicyRecord, Record
from multicloud.model.ref import ObjectKey
from multicloud.report.events import Recorder
from multicloud.report.policies import PolicyReporter
from multicloud.report.status import StatusDesk
from support.clock import VirtualClock
from support.scripted import ScriptedSink, ScriptedWriter


class _Kept:
    """The newest record of a policy."""

    def __init__(self) -> None:
        self.record = PolicyRecord()

    def remember(self, key: ObjectKey, uid: str, record: Record, resource_version: str | None) -> None:
        assert isinstance(record, PolicyRecord)
        assert (key.name, uid, resource_version) != ("", "", "")
        self.record = record


async def decided(
    body: Mapping[str, Any], *passes: tuple[PoolStanding, Sequence[Reading]], every_s: float = 30
) -> dict[str, Any]:
    """The policy after one decision a pass, `every_s` seconds apart, with the status that the last of them left."""
    kept, writer, clock = _Kept(), ScriptedWriter(), VirtualClock()
    reporter = PolicyReporter(StatusDesk(writer, kept), Recorder(ScriptedSink(), clock), clock)
    stored = deepcopy(dict(body))
    stored["metadata"] |= {
        "uid": "u",
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": clock.now().isoformat(),
    }
    seen = policy_object(stored)
    assert seen.spec is not None
    for standing, readings in passes:
        now = clock.now()
        decision = decide_policy(seen.spec, readings, standing, kept.record.history, now)
        lasting = remembered(decision.history, seen.spec, standing, now)
        judged = JudgedPolicy(
            spec=seen.spec,
            standing=standing,
            readings=tuple(readings),
            history=kept.record.history,
            at=now,
            decision=decision,
            lasting=lasting,
        )
        assert await reporter.decided(replace(seen, record=kept.record), judged)
        clock.advance(every_s)
    return {**stored, "status": dict(writer.statuses[-1])}
