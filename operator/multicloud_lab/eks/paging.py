"""Pages with opaque tokens that stay right when items disappear: a token remembers the last name served."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
PREFIX = b"after:"


class BadTokenError(Exception):
    """The token is not one of ours."""


def page(items: Sequence[T], name: Callable[[T], str], size: int, token: str | None) -> tuple[list[T], str | None]:
    """Return up to `size` items after the token's, and the next token (None at the end).

    `items` must be sorted by `name`. Raises BadTokenError.
    """
    rest = list(items)
    if token:
        last = decode(token)
        rest = [item for item in rest if name(item) > last]
    served = rest[:size]
    return served, encode(name(served[-1])) if len(rest) > size else None


def encode(last: str) -> str:
    """Return the token that means "after this name"."""
    return base64.urlsafe_b64encode(PREFIX + last.encode()).decode()


def decode(token: str) -> str:
    """Return the last name that the token's page served. Raises BadTokenError."""
    try:
        raw = base64.urlsafe_b64decode(token.encode())
        if raw.startswith(PREFIX):
            return raw.removeprefix(PREFIX).decode()
    except (binascii.Error, ValueError):
        pass
    raise BadTokenError
