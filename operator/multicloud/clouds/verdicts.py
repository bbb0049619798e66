"""What an error of any vendor can mean to us: the words in which the three error tables are written."""

from collections.abc import Callable
from typing import Final, NamedTuple

from multicloud.model.error import CloudError, Conflict, NoCapacity, Refused, Throttled, Unavailable
from multicloud.model.reason import Code

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
DENIED: Final = Verdict(Refused, Code.DENIED)
NOT_FOUND: Final = Verdict(Refused, Code.NOT_FOUND)
INVALID: Final = Verdict(Refused, Code.INVALID)
UNAVAILABLE: Final = Verdict(Unavailable, Code.UNAVAILABLE)


def shortened(words: str) -> str:
    """One line of a vendor's sentence, at most LONGEST_WORDS characters."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…"
