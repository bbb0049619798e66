"""What an error of any vendor can mean to us, and how it is typed: the tables of the clouds are written in these words.

A cloud's `errors` looks up what it was answered (a Verdict) or tells what kept the answer away (a Silence); the typed
error that is made of it here goes to the lane.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from multicloud.model.error import CloudError, Conflict, NoCapacity, OutcomeUnknown, Refused, Throttled, Unavailable
from multicloud.model.reason import Code, Reason

LONGEST_WORDS: Final = 300
"""Characters of a vendor's sentence that a reason keeps."""


class Verdict(NamedTuple):
    """What an error means: the class says what the caller does next, the code says why."""

    error: Callable[..., CloudError]
    code: Code


THROTTLED: Final = Verdict(Throttled, Code.THROTTLED)
CONFLICT: Final = Verdict(Conflict, Code.CONFLICT)
QUOTA: Final = Verdict(NoCapacity, Code.QUOTA)
STOCKOUT: Final = Verdict(NoCapacity, Code.STOCKOUT)
AUTH_FAILED: Final = Verdict(Refused, Code.AUTH_FAILED)
TOKEN_EXPIRED: Final = Verdict(Unavailable, Code.TOKEN_EXPIRED)
DENIED: Final = Verdict(Refused, Code.DENIED)
NOT_FOUND: Final = Verdict(Refused, Code.NOT_FOUND)
INVALID: Final = Verdict(Refused, Code.INVALID)
UNAVAILABLE: Final = Verdict(Unavailable, Code.UNAVAILABLE)

_WORDLESS: Final = frozenset({THROTTLED, UNAVAILABLE, TOKEN_EXPIRED})
"""Verdicts whose vendors' sentences count seconds, requests or tokens: they would change the status at every pass."""


class Silence(NamedTuple):
    """A call that brought no answer that can be read. `left` says that a write may have been done all the same."""

    code: Code
    words: str
    left: bool = True


NOT_CONNECTED: Final = Silence(Code.UNAVAILABLE, "could not be reached", left=False)
NOT_CONNECTED_IN_TIME: Final = Silence(Code.TIMED_OUT, "did not accept a connection in time", left=False)
NOT_ANSWERED_IN_TIME: Final = Silence(Code.TIMED_OUT, "did not answer in time")
BROKEN_OFF: Final = Silence(Code.UNAVAILABLE, "broke the connection before it answered")


def no_answer_at_all(error: Exception) -> Silence:
    """What was answered is none; only the exception's name is told: an SDK's sentence may hold anything."""
    return Silence(Code.UNEXPECTED, f"gave an answer that is none ({type(error).__name__})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A vendor's refusal, looked up: `name` is its code or status, `words` its sentence, `verdict` None where no table knows.

    `code` is why the outcome of a write is open then.
    """

    name: str
    words: str
    verdict: Verdict | None
    code: Code = Code.UNAVAILABLE
    retry_after_s: float | None = None


def of_refusal(answered: Answered, what: str, vendor: str, *, write: bool) -> CloudError:
    """Type a refusal. `what` is what was tried ("reading the node groups of …"), `vendor` who answered."""
    wait_s = answered.retry_after_s
    if answered.verdict is None:
        told = f"answered {answered.name}"
        if write:
            return lost(what, vendor, told, answered.code, retry_after_s=wait_s)
        return Unavailable(Reason(code=answered.code, text=f"{what}: {vendor} {told}"), retry_after_s=wait_s)
    text = f"{what}: {answered.name}"
    if answered.words and answered.verdict not in _WORDLESS:
        text = f"{text}: {answered.words}"
    return answered.verdict.error(Reason(code=answered.verdict.code, text=text), retry_after_s=wait_s)


def of_silence(silence: Silence, what: str, vendor: str, *, write: bool) -> CloudError:
    """Type a missing answer; `write` says that a mutation's bytes may have left."""
    if write and silence.left:
        return lost(what, vendor, silence.words, silence.code)
    return Unavailable(Reason(code=silence.code, text=f"{what}: {vendor} {silence.words}"))


def lost(what: str, vendor: str, why: str, code: Code, *, retry_after_s: float | None = None) -> OutcomeUnknown:
    """Say that a write left and its answer did not arrive."""
    reason = Reason(code=code, text=f"{what}: {vendor} {why}; it may have been done all the same")
    return OutcomeUnknown(reason, retry_after_s=retry_after_s)


def shortened(words: str) -> str:
    """One line of a vendor's sentence, at most LONGEST_WORDS characters."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…"
