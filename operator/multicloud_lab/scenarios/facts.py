"""Judges what a scenario left behind: its facts against the journal, the pools and the client's last words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from multicloud_lab.core.journal import HAND, Entry
from multicloud_lab.core.lab import PoolView
from multicloud_lab.scenarios.model import Bounds, Fact, Place, PoolFact, Quiet, Rate, Scenario, Sizes, Told
from multicloud_lab.scenarios.program import Json

BYSTANDERS = frozenset({HAND, "autoscaler", "cloud", "admin"})
"""Principals in the journal that are not the client."""

WORDS: Mapping[str, frozenset[str]] = {
    "busy": frozenset({"ResourceInUseException", "OperationNotAllowed", "EtagMismatch", "FAILED_PRECONDITION"}),
    "throttled": frozenset({"ThrottlingException", "TooManyRequests", "Throttled", "RESOURCE_EXHAUSTED"}),
    "denied": frozenset({"AccessDeniedException", "AuthorizationFailed", "PERMISSION_DENIED"}),
}
"""The clouds' codes by the word for them in scenario files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What there is to judge."""

    scenario: Scenario
    entries: Sequence[Entry]
    pools: Sequence[PoolView]
    told: Mapping[tuple[str, str], Json]

    def calls(self, word: str | None = None, result: str | None = None) -> list[Entry]:
        """Return the client's calls of an operation, with a result; None is any."""
        name = None if word is None else self.scenario.operation(word)
        return [
            entry
            for entry in self.entries
            if entry.cloud == self.scenario.cloud
            and entry.principal not in BYSTANDERS
            and name in {None, entry.operation}
            and (result is None or has_result(entry, result))
        ]


def has_result(entry: Entry, result: str) -> bool:
    """Say whether an entry ended as a word (or the cloud's code) says."""
    accepted = entry.result.startswith("2")
    if result == "ok":
        return accepted
    if result == "refused":
        return not accepted
    return entry.result in WORDS.get(result, {result}) or (
        result == "throttled" and entry.result in {"Fault.throttle", "429"}
    )


def broken_facts(ending: Ending) -> list[str]:
    """Return a sentence for every fact that does not hold."""
    return [
        f"facts[{index}]: {sentence}"
        for index, fact in enumerate(ending.scenario.facts)
        for sentence in _broken(ending, fact)
    ]


def _broken(ending: Ending, fact: Fact) -> Iterable[str]:
    if fact.resizes is not None:
        changes = _changes(ending, fact.resizes)
        if fact.resizes.by == "client":
            changes = [entry for entry in changes if entry.principal not in BYSTANDERS]
        moves = ", ".join(f"{entry.from_} to {entry.to}" for entry in changes) or "none"
        yield from _counted(fact.resizes, len(changes), f"effective resizes ({moves})")
    if fact.calls is not None:
        found = ending.calls(fact.calls.operation, fact.calls.result)
        named = ending.scenario.operation(fact.calls.operation) if fact.calls.operation else "any operation"
        yield from _counted(fact.calls, len(found), f"calls of {named}, result {fact.calls.result or 'any'}")
    if fact.tokens is not None:
        tokens = {entry.token for entry in ending.calls(fact.tokens.operation) if entry.token is not None}
        yield from _counted(fact.tokens, len(tokens), "different idempotency tokens")
    if fact.sizes is not None:
        yield from _sizes(ending, fact.sizes)
    if fact.rate is not None:
        yield from _rate(ending, fact.rate)
    if fact.quiet is not None:
        yield from _quiet(ending, fact.quiet)
    if fact.pool is not None:
        yield from _pool(ending, fact.pool)
    if fact.told is not None:
        yield from _told(ending, fact.told)


def _changes(ending: Ending, place: Place) -> list[Entry]:
    return [
        entry
        for entry in ending.entries
        if entry.cloud == ending.scenario.cloud
        and (entry.cluster, entry.pool) == (place.cluster, place.node_pool)
        and entry.effective
        and entry.to is not None
        and entry.to != entry.from_
    ]


def _counted(bounds: Bounds, count: int, what: str) -> Iterable[str]:
    wished = bounds.broken(count)
    if wished is not None:
        yield f"{count} {what}, but there should be {wished}"


def _sizes(ending: Ending, fact: Sizes) -> Iterable[str]:
    for entry in _changes(ending, fact):
        if entry.principal in BYSTANDERS or entry.to is None:
            continue
        if entry.to < fact.at_least or (fact.at_most is not None and entry.to > fact.at_most):
            top = "any" if fact.at_most is None else fact.at_most
            yield f"entry {entry.seq} set {entry.to} nodes, but only {fact.at_least} to {top} were to be set"


def _rate(ending: Ending, fact: Rate) -> Iterable[str]:
    times = [entry.time for entry in ending.calls(fact.operation)]
    most = max((sum(start <= time < start + fact.seconds for time in times) for start in times), default=0)
    if most > fact.at_most:
        yield f"{most} calls within {fact.seconds:g} virtual seconds, but at most {fact.at_most} were to be made"


def _quiet(ending: Ending, fact: Quiet) -> Iterable[str]:
    calls = ending.calls(fact.operation)
    for index, entry in enumerate(calls[:-1]):
        pause_s = calls[index + 1].time - entry.time
        if has_result(entry, fact.after) and pause_s < fact.seconds:
            yield f"entry {entry.seq} was {fact.after}, and {entry.operation} was called again {pause_s:g} s later"


def _pool(ending: Ending, fact: PoolFact) -> Iterable[str]:
    place = (ending.scenario.cloud, fact.cluster, fact.node_pool)
    for pool in ending.pools:
        if (pool.cloud, pool.cluster, pool.node_pool) == place:
            if fact.requested is not None and pool.requested != fact.requested:
                yield f"{'/'.join(place)} has {pool.requested} wished nodes, but there should be {fact.requested}"
            if fact.ready is not None and pool.ready != fact.ready:
                yield f"{'/'.join(place)} has {pool.ready} ready nodes, but there should be {fact.ready}"
            if fact.status is not None and pool.status not in fact.status:
                yield f"{'/'.join(place)} is {pool.status}, but it should be {' or '.join(fact.status)}"
            return
    yield f"{'/'.join(place)} is not there"


def _told(ending: Ending, fact: Told) -> Iterable[str]:
    said = ending.told.get((fact.cluster, fact.node_pool))
    if said is None or said.get("settled") is not fact.settled:
        yield f"the client said {said} of {fact.cluster}/{fact.node_pool}, but should say settled: {fact.settled}"
