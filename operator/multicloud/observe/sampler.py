"""Reads the metrics of scaling policies in the background, all of a policy at once, each interval on a beat of its own.

A pass asks (`look`) and never waits: a source that hangs holds up nobody's resize. When the readings are there the policy
is woken; they are kept until they were judged, or are too old for it. What failed is a value: the reason stands in the
place of the number.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import MetricSpec, PolicySpec, Reading
from multicloud.model.port import Clock, MetricSource, Wake
from multicloud.model.reason import Reason
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import PolicyObject

AT_ONCE: Final = 32
"""Questions on their way at the same time, over all policies: a restart must not be a storm for a Prometheus."""

LATE_S: Final = 60.0
"""Readings that could not be judged, because no decision could be written, are read anew so long after the next were due."""

_Answers = Sequence[tuple[str, Sample | Reason]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is there for a pass: readings to judge (None: none yet, or judged already).

    `again_after_s` is when the next ones are due; None while they are being read, their arrival wakes the policy.
    """

    readings: tuple[Reading, ...] | None
    again_after_s: float | None


@dataclass(slots=True)
class _Round:
    """One reading of all of a policy's metrics, for one pool and spec."""

    spec: PolicySpec
    pool: ObjectKey
    task: asyncio.Task[_Answers]
    due_s: float
    judged: bool = False


class Sampler:
    """All reading of metrics. Methods are called on the main loop and never wait."""

    def __init__(self, source: MetricSource, clock: Clock, wake: Wake) -> None:
        """`source` answers every kind of question, `wake` asks for a pass over a policy."""
        self._source = source
        self._clock = clock
        self._wake = wake
        self._rounds: dict[str, _Round] = {}
        self._begun: set[str] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def in_flight(self) -> int:
        """Policies whose metrics are being read."""
        return sum(not each.task.done() for each in self._rounds.values())

    def look(self, policy: PolicyObject, spec: PolicySpec, pool: ObjectKey) -> Looked:
        """The readings to judge now; begins to read where they are due, and anew where the spec is another one."""
        now_s = self._clock.monotonic()
        known = self._rounds.get(policy.uid)
        if known is None or known.spec != spec or known.pool != pool:
            self._drop(policy.uid)
            known = self._begin(policy, spec, pool, now_s)
        elif known.task.done() and now_s >= known.due_s + (0.0 if known.judged else LATE_S):
            known = self._begin(policy, spec, pool, now_s)
        if not known.task.done():
            return Looked(readings=None, again_after_s=None)
        again_after_s = max(0.0, known.due_s - now_s)
        if known.judged:
            return Looked(readings=None, again_after_s=again_after_s)
        known.judged = known.task.exception() is not None  # a bug is raised once, then it is tried again when due
        readings = tuple(self._reading(name, answer) for name, answer in known.task.result())
        return Looked(readings=readings, again_after_s=again_after_s)

    def has_judged(self, uid: str) -> bool:
        """True when readings of the policy were judged in this process before."""
        return uid in self._begun

    def judged(self, uid: str) -> None:
        """The readings were judged, and the decision is kept."""
        if (known := self._rounds.get(uid)) is not None:
            known.judged = True
            self._begun.add(uid)

    def forget(self, uid: str) -> None:
        """The policy is gone, or decides nothing."""
        self._begun.discard(uid)
        self._drop(uid)

    def close(self) -> None:
        """Stop reading."""
        for uid in list(self._rounds):
            self.forget(uid)

    def _drop(self, uid: str) -> None:
        if (known := self._rounds.pop(uid, None)) is not None:
            known.task.cancel()

    def _begin(self, policy: PolicyObject, spec: PolicySpec, pool: ObjectKey, now_s: float) -> _Round:
        asker = Asker(namespace=policy.key.namespace, pool=pool)
        task = asyncio.create_task(self._read_all(asker, spec), name=f"read metrics of {policy.key}")
        task.add_done_callback(lambda done: None if done.cancelled() else self._wake(policy.key, 0.0))
        due_s = _next_beat(policy.uid, spec.interval_s, now_s)
        begun = self._rounds[policy.uid] = _Round(spec=spec, pool=pool, task=task, due_s=due_s)
        return begun

    async def _read_all(self, asker: Asker, spec: PolicySpec) -> _Answers:
        names = [metric.name for metric in spec.metrics]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._read(asker, metric)) for metric in spec.metrics]
        return list(zip(names, (task.result() for task in tasks), strict=True))

    async def _read(self, asker: Asker, metric: MetricSpec) -> Sample | Reason:
        async with self._slots:
            try:
                return await self._source.read(asker, metric.source)
            except NoSample as error:
                return error.reason

    def _reading(self, name: str, answer: Sample | Reason) -> Reading:
        if isinstance(answer, Reason):
            return Reading(metric=name, found=answer)
        age_s = max(0.0, (self._clock.now() - answer.at).total_seconds())
        return Reading(metric=name, found=answer.found, age_s=age_s)


def _next_beat(uid: str, interval_s: float, now_s: float) -> float:
    """The next multiple of the interval, moved by a share of it that is the policy's own: a thousand do not ask at once."""
    phase_s = crc32(uid.encode()) / 2**32 * interval_s
    return now_s + interval_s - (now_s - phase_s) % interval_s
