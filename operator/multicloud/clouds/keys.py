"""Reads what a Secret holds, the same way for every cloud: what cannot be a key is refused before anything is sent.

`eks.login`, `aks.login` and `gke.login` call it with the documented names of their keys. Nothing that it says repeats a
value.
"""

from collections.abc import Mapping
from typing import Final

from multicloud.model.error import refused
from multicloud.model.reason import Code

LONGEST: Final = 64 * 1024
"""Bytes that no cloud's key comes near: a larger value is a mistake, and would end up in a request."""


def read_key(secret: Mapping[str, bytes], name: str, meaning: str) -> bytes:
    """Return a key's value as it is. Raises Refused where it is missing, empty or far too large."""
    raw = secret.get(name)
    if raw is None:
        raise refused(Code.SECRET_KEY_MISSING, f"the Secret has no key {name} ({meaning})")
    if not raw.strip():
        raise refused(Code.SECRET_INVALID, f"the Secret's key {name} is empty ({meaning})")
    if len(raw) > LONGEST:
        raise refused(Code.SECRET_INVALID, f"the Secret's key {name} is larger than {LONGEST} bytes: not {meaning}")
    return raw


def read_line(secret: Mapping[str, bytes], name: str, meaning: str) -> str:
    """Return a key's value as one line of text, without the white space around it. Raises Refused as `read_key` does."""
    raw = read_key(secret, name, meaning)
    try:
        value = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        value = ""
    # A line break inside would end up in a request header.
    if not value.isprintable() or not value:
        raise refused(Code.SECRET_INVALID, f"the Secret's key {name} is not one line of text: not {meaning}")
    return value
