"""The annotations by which people steer a pool or an account for a while, and what is understood of them.

`parse` reads them with the objects, `cli` writes them. Whoever may edit an object may write anything here: what cannot
be understood is a Reason, never an exception, and stops rather than lets go.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)

from multicloud.kinds.shape import Part, Units, problems
from multicloud.model.approval import Approve
from multicloud.model.override import Override
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import GROUP
from multicloud.model.spec import Drift, Word
from multicloud.model.version import FIELD_MANAGER

PAUSED: Final = f"{GROUP}/paused"
SCALE_IN_PAUSED: Final = f"{GROUP}/paused-scale-in"
ADOPT: Final = f"{GROUP}/adopt"
ACCEPT_DRIFT: Final = f"{GROUP}/accept-drift"
CORRECT_DRIFT: Final = f"{GROUP}/correct-drift"
OVERRIDE: Final = f"{GROUP}/override"
APPROVE: Final = f"{GROUP}/approve"
RECORD_DECISION: Final = f"{GROUP}/record-decision"

LONGEST_REASON: Final = 200
"""Letters of a person's own words: they stand in status and in conditions."""
_LONGEST_PROBLEM: Final = 400
_LONGEST_HASH: Final = 64
_LONGEST_MANAGER: Final = 128
_LONGEST_WORD: Final = 63 + 1 + 40


def _printable(words: str) -> str:
    if not words.isprintable():
        raise ValueError("must be one line of printable letters")
    return words


def _written_out(moment: object) -> object:
    if not isinstance(moment, str) or ":" not in moment:  # seconds since 1970 would be taken, too
        raise ValueError("must be a date and a time with its offset, as in 2026-12-01T08:00:00Z")
    return moment


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC, too") from None


class OverrideNote(Part):
    """The value of `multicloud.dev/override`: JSON, every key known. `replicas` is both bounds at once."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)

    replicas: Units | None = None
    min_replicas: Units | None = None
    max_replicas: Units | None = None
    until: Annotated[AwareDatetime, Strict(strict=False), BeforeValidator(_written_out), AfterValidator(_in_utc)]
    reason: Annotated[str, Field(max_length=LONGEST_REASON), AfterValidator(_printable)] = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        low, high = self.min_replicas, self.max_replicas
        if self.replicas is not None and (low is not None or high is not None):
            raise ValueError("replicas stands alone: leave out minReplicas and maxReplicas")
        if self.replicas is None and low is None and high is None:
            raise ValueError("one of replicas, minReplicas and maxReplicas must be set")
        if low is not None and high is not None and low > high:
            raise ValueError("minReplicas must not be above maxReplicas")
        return self

    def to_model(self) -> Override:
        """Say it in the words of `model`."""
        return Override(
            min_replicas=self.min_replicas if self.replicas is None else self.replicas,
            max_replicas=self.max_replicas if self.replicas is None else self.replicas,
            until=self.until,
            reason=self.reason,
        )


def switched_on(annotations: Mapping[str, object], name: str) -> bool:
    """True when the annotation says anything but `false`: a brake that was meant and misspelt holds all the same."""
    value = annotations.get(name)
    return isinstance(value, str) and value.strip().lower() not in {"", "false"}


def record_decision(annotations: Mapping[str, object]) -> str | None:
    """The word of `multicloud.dev/record-decision`: any, and each new one asks for one decision."""
    value = annotations.get(RECORD_DECISION)
    return value if isinstance(value, str) and value.strip() else None


def adopted(annotations: Mapping[str, object]) -> frozenset[str]:
    """The member names of `multicloud.dev/adopt`, or `*`."""
    value = annotations.get(ADOPT)
    names = value.split(",") if isinstance(value, str) else ()
    return frozenset(name.strip() for name in names if name.strip())


def approve(metadata: Mapping[str, Any]) -> Approve | None:
    """The approval, with the field manager that managedFields names for it: whoever wrote it said so of itself."""
    value = _block(metadata.get("annotations")).get(APPROVE)
    if not isinstance(value, str) or not value.strip():
        return None
    return Approve(hash=_short(value.strip(), _LONGEST_HASH), manager=_manager_of(metadata, APPROVE))


def _manager_of(metadata: Mapping[str, Any], annotation: str) -> str | None:
    entries = metadata.get("managedFields")
    for entry in entries if isinstance(entries, list) else ():
        fields = _block(_block(_block(_block(entry).get("fieldsV1")).get("f:metadata")).get("f:annotations"))
        if f"f:{annotation}" in fields:
            return _short(str(_block(entry).get("manager", "")), _LONGEST_MANAGER) or None
    return None


def other_manager_of_status(metadata: Mapping[str, Any]) -> str | None:
    """Who besides us wrote what stands in status, as managedFields name it; None where nobody did.

    The API server notes it for every write, under the name that a writer gives itself.
    """
    entries = metadata.get("managedFields")
    for entry in entries if isinstance(entries, list) else ():
        manager = str(_block(entry).get("manager", ""))
        if _block(entry).get("subresource") == "status" and manager != FIELD_MANAGER:
            return _short(manager, _LONGEST_MANAGER)
    return None


def _short(words: str, most: int) -> str:
    """Anybody's words, made fit for one line of status."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in words)
    return shown if len(shown) <= most else f"{shown[:most]}…"


def _block(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def words(annotations: Mapping[str, object], name: str) -> tuple[frozenset[Word], tuple[str, ...]]:
    """What `multicloud.dev/accept-drift` or `correct-drift` says, entries `<member>@<time>`, and what says nothing.

    The time binds a word to what was there when it was said: whoever applies the annotation again says nothing new.
    """
    value = annotations.get(name)
    entries = [entry.strip() for entry in value.split(",")] if isinstance(value, str) else []
    read = {entry: _word(entry) for entry in entries if entry}
    understood = frozenset(word for word in read.values() if word is not None)
    return understood, tuple(sorted(entry for entry, word in read.items() if word is None))


def steered(annotations: Mapping[str, object], drift: Drift) -> Drift:
    """What spec says of drift, with the words of people about it."""
    accepted, unread = words(annotations, ACCEPT_DRIFT)
    corrected, unread_too = words(annotations, CORRECT_DRIFT)
    return replace(drift, accepted=accepted, corrected=corrected, mistakes=tuple(sorted({*unread, *unread_too})))


def _word(entry: str) -> Word | None:
    member, _, at = entry.partition("@")
    if not member or len(entry) > _LONGEST_WORD:
        return None
    try:
        said = datetime.fromisoformat(at)
        return None if said.tzinfo is None else Word(member=member, at=said.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def override(annotations: Mapping[str, object]) -> Override | Reason | None:
    """The override, why it cannot be understood, or None where there is none."""
    value = annotations.get(OVERRIDE)
    if not isinstance(value, str):
        return None
    try:
        return OverrideNote.model_validate_json(value).to_model()
    except ValidationError as error:
        text = problems(error, f"annotation {OVERRIDE}")
        # The names of unknown keys are anybody's words.
        return Reason(code=Code.OVERRIDE_NOT_UNDERSTOOD, text=_short(text, _LONGEST_PROBLEM))
