"""What the operator must be allowed to do in a cloud, and whether it is. Written by `clouds`, shown by `cli` and docs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multicloud.model.ref import NodePoolRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A permission that the operator needs: its name as the vendor spells it, and what for."""

    name: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether we have a permission. `granted` None: nobody knows; `why` says what proves or hides it, "" if granted."""

    need: Need
    granted: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that the operator needs in one cloud, no more.

    `role` renders it in the vendor's own form (IAM policy, custom role) for node pools and for who we are, "" where
    that is not known.
    """

    needs: tuple[Need, ...]
    role: Callable[[Sequence[NodePoolRef], str], Mapping[str, Any]]
