"""Decisions as documents: all that one was made of, and what came of it. `report` writes them, tests decide them again.

Names in Kubernetes and words of ours stay. What else is called something, by a cloud, a tenant or a person, gets a pseudonym;
sentences are left out (docs/decisions/0095-a-recorded-decision.md). Equal words get equal pseudonyms, sorted as the words
are, so that the decision on a document is the decision on the facts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import TypeAdapter

from multicloud.model.metric import JudgedPolicy
from multicloud.model.plan import Plan, Snapshot
from multicloud.model.record import GONE
from multicloud.model.ref import ObjectKey
from multicloud.model.version import VERSION

_ValueT = TypeVar("_ValueT")
_Field = tuple[str, str]
"""A field by its class and name."""
_LONGEST_NUMBER: Final = 6

KEPT: Final[frozenset[_Field]] = frozenset(
    {
        ("Approval", "hash"),
        ("Approve", "hash"),
        ("Bounds", "active"),
        ("ClusterRef", "location"),
        ("Condition", "reason"),
        ("Condition", "type"),
        ("DecidedBy", "kind"),
        ("DecidedBy", "name"),
        ("DecidedBy", "reason"),
        ("EndedPlan", "hash"),
        ("Intent", "id"),
        ("LastResize", "id"),
        ("MemberPlan", "name"),
        ("MemberRecord", "name"),
        ("MemberSpec", "account"),
        ("MemberSpec", "name"),
        ("MetricSpec", "name"),
        ("ObjectKey", "name"),
        ("ObjectKey", "namespace"),
        ("Plan", "braked"),
        ("PolicyDecision", "decided_by"),
        ("PolicyHistory", "failures"),
        ("PolicySpec", "pool"),
        ("PolicyWish", "name"),
        ("PoolSpec", "adopted"),
        ("PoolSpec", "currency"),
        ("Price", "currency"),
        ("Proposal", "metric"),
        ("Reading", "metric"),
        ("Relaxed", "name"),
        ("Released", "name"),
        ("Saving", "prices"),
        ("Schedule", "cron"),
        ("ScheduledBounds", "name"),
        ("Snapshot", "uid"),
    }
)
"""Fields of text that hold names in Kubernetes, regions, or words that we made. Every other one is thought to be harmful."""

NAME_MEMBERS: Final = frozenset({"member", "unseen"})
"""Fields, of whatever class, that hold names of members."""

HARMLESS: Final = frozenset(
    {GONE, "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "NoSchedule", "NoExecute", "PreferNoSchedule"}
)
"""Words that decisions know: our own for what is gone, and those of Kubernetes for selectors and taints."""

SENTENCES: Final[frozenset[_Field]] = frozenset(
    {
        ("Condition", "message"),
        ("Drift", "mistakes"),
        ("NodePool", "words"),
        ("Operation", "words"),
        ("Override", "reason"),
        ("Reason", "text"),
        ("Relaxed", "would_help"),
    }
)
"""Fields of free text. No decision depends on one; deciding again says ours anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPool:
    """`decide(snapshot)` is `plan`, but for sentences."""

    snapshot: Snapshot
    plan: Plan
    kind: Literal["MultiCloudPool"] = "MultiCloudPool"
    version: str = VERSION

    @classmethod
    def of(cls, snapshot: Snapshot, plan: Plan) -> Self:
        """Take out of a decision what must not leave."""
        names = _pseudonyms(snapshot)
        return cls(snapshot=_renamed(snapshot, names), plan=_renamed(plan, names))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPolicy:
    """`decide_policy` of what `judged` was made of is `judged.decision`, but for sentences."""

    key: ObjectKey
    judged: JudgedPolicy
    kind: Literal["ScalingPolicy"] = "ScalingPolicy"
    version: str = VERSION

    @classmethod
    def of(cls, key: ObjectKey, judged: JudgedPolicy) -> Self:
        """Take out of a decision what must not leave."""
        return cls(key=key, judged=_renamed(judged, _pseudonyms(judged)))


Recorded = RecordedPool | RecordedPolicy


@cache
def _form() -> TypeAdapter[Recorded]:
    return TypeAdapter(Recorded)


def rendered_decision(recorded: Recorded) -> bytes:
    """The document, as JSON."""
    return _form().dump_json(recorded, indent=1)


def recorded_decision(document: bytes) -> Recorded:
    """Read a document back. Raises ValueError, naming the place, where it is none of this version."""
    return _form().validate_json(document)


def without_sentences(value: _ValueT) -> _ValueT:
    """A decision as it stands in a document, for a comparison with one that was made again."""
    bare: _ValueT = _rebuilt(value, lambda field, word: "" if field in SENTENCES else word)
    return bare


def _is_kept(field: _Field, word: str) -> bool:
    """Names in Kubernetes, words that decisions know, and numbers too short to be an account's."""
    is_number = word.isdecimal() and len(word) <= _LONGEST_NUMBER
    return field in KEPT or field[1] in NAME_MEMBERS or word in HARMLESS or is_number or not word


def _pseudonyms(facts: object) -> Mapping[str, str]:
    """A name for each word that is not known to be harmless, sorted as the words are: order decides between equals."""
    found: set[str] = set()

    def note(field: _Field, word: str) -> str:
        if field not in SENTENCES and not _is_kept(field, word):
            found.add(word)
        return word

    _rebuilt(facts, note)
    return {word: f"name-{number:04}" for number, word in enumerate(sorted(found), start=1)}


def _renamed(value: _ValueT, names: Mapping[str, str]) -> _ValueT:
    def rename(field: _Field, word: str) -> str:
        if field in SENTENCES:
            return ""
        return word if _is_kept(field, word) else names.get(word, word)

    renamed: _ValueT = _rebuilt(value, rename)
    return renamed


def _rebuilt(value: Any, change: Callable[[_Field, str], str], field: _Field = ("", "")) -> Any:
    """The same value with each text changed, told with the field that it stands in."""
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        parts = {part.name: _rebuilt(getattr(value, part.name), change, (name, part.name)) for part in fields(value)}
        return replace(value, **parts)
    if isinstance(value, tuple | frozenset):
        return type(value)(_rebuilt(one, change, field) for one in value)
    if isinstance(value, Mapping):
        return {_rebuilt(key, change, field): _rebuilt(one, change, field) for key, one in value.items()}
    if isinstance(value, str) and not isinstance(value, Enum):
        return change(field, value)
    return value
