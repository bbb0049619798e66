"""The way of one call: rate limit, gate, commit, journal, gate again; the same for gRPC, HTTP and hands.

A commit is a synchronous piece of the engine. A cloud finishes what it began although the client
hung up, so the way runs in a task of its own that the transport's cancellation does not reach.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from multicloud_lab.core.calls import Call
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.lab import Lab
from multicloud_lab.gke.errors import GoogleError, denied, throttled
from multicloud_lab.gke.faulted import Scope, in_google_words

T = TypeVar("T")

CLOUD = "gcp"
ANONYMOUS = "anonymous"
"""The journal's principal of a call without an acceptable credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What a commit did: its answer, and for the journal what it changed (in nodes of the whole pool)."""

    answer: T
    effective: bool = False
    from_: int | None = None
    to: int | None = None


def commit(lab: Lab, call: Call, action: Callable[[], Outcome[T]]) -> T:
    """Run the action and journal what became of it. Raises what it raises (GoogleError)."""
    try:
        outcome = action()
    except GoogleError as error:
        lab.record(call, result=error.code)
        raise
    lab.record(call, effective=outcome.effective, from_=outcome.from_, to=outcome.to)
    return outcome.answer


class Calls:
    """Runs calls that clients made, and knows the ones under way."""

    def __init__(self, lab: Lab) -> None:
        """Start with none under way."""
        self._lab = lab
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(
        self, call: Call, action: Callable[[], Outcome[T]], scope: Scope, pace: tuple[str, str] | None = None
    ) -> T:
        """Answer a call. `pace` is its rate limit's key and kind.

        Raises GoogleError, RawAnswerError, or CallDroppedError when the client must get no answer.
        """
        task = asyncio.create_task(self._way(call, action, scope, pace))
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def refuse(self, call: Call, code: str) -> None:
        """Journal a call that did not come as far as the gate; `code` is the error's."""
        self._lab.clock.catch_up()
        self._lab.record(call, result=code)

    async def stop(self) -> None:
        """Give up the calls that are still held."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _way(self, call: Call, action: Callable[[], Outcome[T]], scope: Scope, pace: tuple[str, str] | None) -> T:
        self._lab.clock.catch_up()
        if pace is not None and (wait_s := self._lab.pace.take(CLOUD, *pace)) is not None:
            error = throttled(scope.service, scope.kind, scope.consumer, wait_s)
            self._lab.record(call, result=error.code)
            raise error
        try:
            await self._lab.gate.before(call)
        except CallDroppedError:
            self._lab.record(call, result=DROPPED)
            raise
        except FaultedError as fault:
            answer = in_google_words(fault, scope)
            self._lab.record(call, result=answer.code if isinstance(answer, GoogleError) else fault.result)
            raise answer from None
        result = commit(self._lab, call, lambda: self._permitted(call, action, scope))
        try:
            await self._lab.gate.after(call)
        except FaultedError as fault:
            raise in_google_words(fault, scope) from None
        return result

    def _permitted(self, call: Call, action: Callable[[], Outcome[T]], scope: Scope) -> Outcome[T]:
        if scope.permission and not self._lab.permissions.allows(call.principal, scope.permission, scope.resource):
            raise denied(scope.permission, scope.resource)
        return action()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at here, because nobody else does when the client has hung up.
