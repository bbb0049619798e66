"""The annotation by which a node tells that it was us who cordoned it, and for what. Written by `cordoning`, read by all here."""

from collections.abc import Mapping
from typing import Any, Final

MARK: Final = "multicloud.dev/cordoned-for"
"""Its value is `<installation>/<what for>`: two operators that look into one cluster leave each other's marks alone."""


def mark_of(installation: str, what: str) -> str:
    """The value of a mark."""
    return f"{installation}/{what}"


def bears_mark(node: Mapping[str, Any], installation: str) -> bool:
    """True if this installation marked the node."""
    return str((node["metadata"].get("annotations") or {}).get(MARK, "")).startswith(mark_of(installation, ""))
