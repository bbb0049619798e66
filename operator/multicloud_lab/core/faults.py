"""Faults: what goes wrong on purpose, for whom, when and how often.

Placed through the admin port, a fault file or a scenario. The gate asks on every call (`on_call`), an
engine when it accepts a change (`on_operation`), a wire when it renders a read (`stale`), the machines'
supply when one is launched (`is_out`, `slowness`). Each asks only about its own kinds, so that a journal
without the reads replays with the same faults.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeVar

from multicloud_lab.core.calls import Call, When
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faultkinds import (
    OPERATION_KINDS,
    SUPPLY_KINDS,
    Action,
    ClockSkew,
    LostResponse,
    Reset,
    SlowNodes,
    StaleRead,
    Stockout,
    Throttle,
)
from multicloud_lab.core.journal import Told, tell_nobody
from multicloud_lab.core.pace import Bucket

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which calls a fault is for; an absent field matches anything.

    `nth` is the one matching call (from 1, counted from when the fault was placed) that it hits; the
    operation is named as the vendor names it, a hand's principal is "hand".
    """

    operation: str | None = None
    cloud: Literal["aws", "azure", "gcp", "kubernetes"] | None = None
    cluster: str | None = None
    pool: str | None = None
    principal: str | None = None
    nth: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could never match."""
        if self.nth is not None and self.nth < 1:
            message = f"nth is {self.nth}, but calls are counted from 1"
            raise ValueError(message)

    def fits(self, call: Call) -> bool:
        """Say whether the call is one of them, whatever its number."""
        return (
            self.operation in {None, call.operation}
            and self.cloud in {None, call.cloud}
            and self.cluster in {None, call.cluster}
            and self.pool in {None, call.pool}
            and self.principal in {None, call.principal}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. `window` is in virtual seconds since it was placed, its end None for ever; `times` None: always.

    `when` counts for answers, throttling, latency, hanging and garbage: "before" the commit (nothing is
    changed) or "after" it. A reset comes always before, a lost response always after.
    """

    action: Action
    match: Match = field(default_factory=Match)
    when: When = "before"
    times: int | None = None
    probability: float = 1.0
    window: tuple[float, float | None] | None = None

    def __post_init__(self) -> None:
        """Refuse what could never happen."""
        if self.times is not None and self.times < 1:
            message = f"times is {self.times}, but it must be at least 1 (or absent: always)"
            raise ValueError(message)
        if not 0 < self.probability <= 1:
            message = f"probability is {self.probability}, but it must be above 0 and at most 1"
            raise ValueError(message)
        if self.window is not None and self.window[1] is not None and not 0 <= self.window[0] < self.window[1]:
            message = f"window is {self.window}, but it must be from 0 or later to an end after it"
            raise ValueError(message)

    @property
    def moment(self) -> When:
        """When in a call it comes."""
        if isinstance(self.action, LostResponse):
            return "after"
        return "before" if isinstance(self.action, Reset) else self.when


@dataclass(slots=True, kw_only=True, eq=False)
class Placed:
    """A fault in force: how often it matched and how often it was applied."""

    id: str
    fault: Fault
    since: float
    seen: int = 0
    applied: int = 0
    bucket: Bucket | None = None
    stale: dict[object, tuple[float, object]] = field(default_factory=dict)


class FaultedError(Exception):
    """A call must be answered as `action` says, in its vendor's form.

    Answer, Garbage: their own words. Throttle, AuthExpire, Deny: the vendor's error for it, with
    `retry_after_s` (virtual seconds) for a Throttle. Raised by `Gate.before` (nothing is committed: journal the call
    with `result`) and by `Gate.after` (it is committed and journalled already).
    """

    def __init__(self, action: Action, retry_after_s: float | None = None) -> None:
        """Keep the action and how long to wait."""
        super().__init__(action.kind)
        self.action = action
        self.retry_after_s = retry_after_s

    @property
    def result(self) -> str:
        """What the journal says of a call that was not committed, unless the vendor's error has a code."""
        return getattr(self.action, "code", None) or f"Fault.{self.action.kind}"


class Faults:
    """The faults in force, by id, in the order of placing."""

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        """Start with none; `seed` makes what `probability` decides repeatable."""
        self._clock = clock
        self._placed: dict[str, Placed] = {}
        self._next = 1
        self.told: Told = tell_nobody
        self._call_rng = Random(f"{seed}/calls")  # noqa: S311  (repeatable on purpose, guards nothing)
        self._operation_rng = Random(f"{seed}/operations")  # noqa: S311  (as above)

    # Placing

    def place(self, fault: Fault) -> str:
        """Put a fault in force; returns its id."""
        fault_id = f"fault-{self._next}"
        self._next += 1
        placed = Placed(id=fault_id, fault=fault, since=self._clock.now())
        if isinstance(fault.action, Throttle):
            placed.bucket = Bucket.full(fault.action.burst, fault.action.per_s, self._clock.now())
        self._placed[fault_id] = placed
        self.told("PlaceFault", {"fault": fault})
        return fault_id

    def lift(self, fault_id: str) -> None:
        """Take a fault out of force. Raises ValueError for an unknown one."""
        if fault_id not in self._placed:
            message = f"there is no fault {fault_id!r}: known are {sorted(self._placed) or 'none'}"
            raise ValueError(message)
        del self._placed[fault_id]
        self.told("LiftFault", {"id": fault_id})

    def lift_all(self) -> None:
        """Take every fault out of force."""
        for fault_id in list(self._placed):
            self.lift(fault_id)

    def placed(self) -> list[Placed]:
        """Return the faults in force, oldest first; used up ones included."""
        return list(self._placed.values())

    def reset(self, seed: int) -> None:
        """Go back to the start: no faults, chance from the seed (which may be another one than before)."""
        self._placed.clear()
        self._next = 1
        self._call_rng.seed(f"{seed}/calls")
        self._operation_rng.seed(f"{seed}/operations")

    # Asking

    def on_call(self, call: Call, when: When) -> list[Placed]:
        """Return the faults that hit this call at this moment of it; the gate acts on them in order."""
        return [
            placed
            for placed in self._placed.values()
            if not isinstance(placed.fault.action, OPERATION_KINDS | SUPPLY_KINDS | StaleRead | ClockSkew)
            and placed.fault.moment == when
            and self._hits(placed, call, self._call_rng)
        ]

    def on_operation(self, call: Call) -> tuple[Action, ...]:
        """Return what is to happen to the operation that an engine just accepted for `call`.

        Operation kinds only (OPERATION_KINDS); to be asked once for every accepted mutation, hands included.
        """
        return tuple(
            placed.fault.action
            for placed in self._placed.values()
            if isinstance(placed.fault.action, OPERATION_KINDS) and self._hits(placed, call, self._operation_rng)
        )

    def on_read(self, call: Call) -> tuple[StaleRead, ...]:
        """Return the staleness that a read is to show; `stale` does all of it for a wire."""
        return tuple(placed.fault.action for placed in self._stale(call) if isinstance(placed.fault.action, StaleRead))

    def stale(self, call: Call, key: object, render: Callable[[], T]) -> T:
        """Return `render()`, or under a StaleRead what it returned up to that many virtual seconds ago.

        `key` names the answer (path and query, say). The first read after the fault was placed is fresh.
        """
        for placed in self._stale(call):
            action = placed.fault.action
            assert isinstance(action, StaleRead)
            known = placed.stale.get(key)
            if known is not None and self._clock.now() - known[0] < action.seconds:
                return known[1]  # type: ignore[return-value]  # of the same key, so of the same render
            fresh = render()
            placed.stale[key] = (self._clock.now(), fresh)
            return fresh
        return render()

    def skew_s(self, cloud: str) -> float:
        """Return by how many seconds the cloud's clock runs ahead of the true one (negative: behind)."""
        return sum(
            placed.fault.action.seconds
            for placed in self._placed.values()
            if isinstance(placed.fault.action, ClockSkew)
            and placed.fault.match.cloud in {None, cloud}
            and self._in_window(placed)
        )

    def is_out(self, call: Call, zone: str, instance_type: str) -> bool:
        """Say whether a stockout fault refuses a machine; `call` names cloud, cluster and pool."""
        return any(
            isinstance(placed.fault.action, Stockout)
            and placed.fault.action.zone in {None, zone}
            and placed.fault.action.type in {None, instance_type}
            and self._hits(placed, call, self._operation_rng)
            for placed in self._placed.values()
        )

    def slowness(self, call: Call) -> float:
        """Return the factor on the time that a node of the pool takes to boot."""
        factor = 1.0
        for placed in self._placed.values():
            if isinstance(placed.fault.action, SlowNodes) and self._hits(placed, call, self._operation_rng):
                factor *= placed.fault.action.factor
        return factor

    def _stale(self, call: Call) -> list[Placed]:
        return [
            placed
            for placed in self._placed.values()
            if isinstance(placed.fault.action, StaleRead) and self._hits(placed, call, self._call_rng)
        ]

    def _hits(self, placed: Placed, call: Call, rng: Random) -> bool:
        fault = placed.fault
        if not fault.match.fits(call) or not self._in_window(placed):
            return False
        placed.seen += 1
        if fault.match.nth is not None and placed.seen != fault.match.nth:
            return False
        if fault.times is not None and placed.applied >= fault.times:
            return False
        if fault.probability < 1 and rng.random() >= fault.probability:
            return False
        if placed.bucket is not None and placed.bucket.take(self._clock.now()):
            return False
        placed.applied += 1
        return True

    def _in_window(self, placed: Placed) -> bool:
        if placed.fault.window is None:
            return True
        from_s, until_s = placed.fault.window
        age_s = self._clock.now() - placed.since
        return age_s >= from_s and (until_s is None or age_s < until_s)
