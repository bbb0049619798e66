"""What Oasis refuses with, as typed errors: by the code in the body, else by what `requests` raised."""

from collections.abc import Mapping
from typing import Final

import requests

from multicloud.clouds.verdicts import (
    AUTH_FAILED,
    CONFLICT,
    DENIED,
    INVALID,
    NOT_FOUND,
    THROTTLED,
    UNAVAILABLE,
    Verdict,
    shortened,
)
from multicloud.model.error import CloudError, OutcomeUnknown, Unavailable
from multicloud.model.reason import Code, Reason

BY_CODE: Final[Mapping[str, Verdict]] = {
    "unauthorized": AUTH_FAILED,
    "forbidden": DENIED,
    "not_found": NOT_FOUND,
    "busy": CONFLICT,
    "invalid": INVALID,
    "slow_down": THROTTLED,
    "maintenance": UNAVAILABLE,
}


def of_answer(answer: requests.Response, what: str, *, write: bool) -> CloudError:
    """Type an answer that is not 2xx. Nothing was done where the code is known; a write is open otherwise."""
    try:
        error = answer.json()["error"]
        code, words = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return of_silence(what, f"gave an answer that is none ({answer.status_code})", Code.UNEXPECTED, write=write)
    found = BY_CODE.get(code)
    if found is None:
        return of_silence(what, f"answered {answer.status_code} {shortened(code)}", Code.UNAVAILABLE, write=write)
    return found.error(Reason(code=found.code, text=f"{what}: {shortened(words)}"))


def of_silence(what: str, why: str, code: Code, *, write: bool) -> CloudError:
    """Say that no usable answer came."""
    if write:
        return OutcomeUnknown(Reason(code=code, text=f"{what}: Oasis {why}; it may have been done all the same"))
    return Unavailable(Reason(code=code, text=f"{what}: Oasis {why}"))
