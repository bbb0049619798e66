"""What a check found, per account and member: values that `shown` draws and JSON prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from multicloud.model.permission import Permission
from multicloud.model.reason import Reason
from multicloud.model.ref import NodePoolRef, ObjectKey
from multicloud.model.size import NodePool

MOST_SKEW_S: Final = 60.0
"""A clock that is further off than this is a problem: AWS refuses signatures that are five minutes off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionFound:
    """A permission on several node pools: the least of what was found on them, and `where` it was not granted."""

    permission: Permission
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """What a cluster's own API made of us: `answers`, or why not; and whether it lets us cordon, None if it did not say.

    To be without either is weaker, not wrong.
    """

    kubernetes: str
    cordons: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFound:
    """A member: its node pool's facts, or why they could not be read (`trouble`).

    `kubeconfig` is the Secret of its own way into the cluster, "" for the account's. `inner` is None if its cluster was
    not asked.
    """

    pool: str
    member: str
    node_pool: NodePoolRef
    facts: NodePool | None = None
    trouble: Reason | None = None
    kubeconfig: str = ""
    inner: Inner | None = None

    def as_json(self) -> Mapping[str, Any]:
        """As the command's JSON has it; null is unknown."""
        facts = self.facts
        return {
            "pool": self.pool,
            "member": self.member,
            "nodePool": str(self.node_pool),
            "requestedNodes": facts and facts.requested,
            "nodes": facts and facts.nodes,
            "readyNodes": facts and facts.ready,
            "readySource": facts and str(facts.ready_source),
            "kubernetes": self.inner and self.inner.kubernetes,
            "cordons": self.inner and self.inner.cordons,
            "problem": _problem(self.trouble),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFound:
    """An account. `trouble` kept it from being asked at all; `principal` is who the cloud says we are.

    `skew_s` is how far the cloud's clock is ahead of ours, None if no answer told; `endpoints` where answers came from.
    `role` is what grants everything, only where something is not granted.
    """

    key: ObjectKey
    provider: str
    ambient: bool = False
    trouble: Reason | None = None
    principal: str = ""
    skew_s: float | None = None
    endpoints: tuple[str, ...] = ()
    permissions: tuple[PermissionFound, ...] = ()
    members: tuple[MemberFound, ...] = ()
    role: Mapping[str, Any] | None = None

    @property
    def skewed(self) -> bool:
        """True when one of the two clocks is wrong."""
        return self.skew_s is not None and abs(self.skew_s) > MOST_SKEW_S

    @property
    def fine(self) -> bool:
        """True when nothing is wrong, and nothing that should be known is not."""
        return (
            self.trouble is None
            and not self.skewed
            and all(found.permission.granted is True for found in self.permissions)
            and all(member.trouble is None for member in self.members)
        )

    def as_json(self) -> Mapping[str, Any]:
        """As the command's JSON has it."""
        return {
            "namespace": self.key.namespace,
            "name": self.key.name,
            "provider": self.provider,
            "ambientIdentity": self.ambient,
            "identity": self.principal or None,
            "problem": _problem(self.trouble),
            "clockSkewSeconds": None if self.skew_s is None else round(self.skew_s),
            "endpoints": list(self.endpoints),
            "permissions": [
                {
                    "name": found.permission.need.name,
                    "purpose": found.permission.need.purpose,
                    "granted": found.permission.granted,
                    "why": found.permission.why,
                    "notGrantedOn": list(found.where),
                }
                for found in self.permissions
            ],
            "members": [member.as_json() for member in self.members],
            "role": self.role,
            "fine": self.fine,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole check. `astray` are pools and members that belong to no account: what they are, and why."""

    accounts: tuple[AccountFound, ...]
    astray: tuple[tuple[str, Reason], ...] = ()

    @property
    def fine(self) -> bool:
        """True when everything is."""
        return not self.astray and all(account.fine for account in self.accounts)

    def as_json(self) -> Mapping[str, Any]:
        """As the command's JSON has it."""
        return {
            "fine": self.fine,
            "accounts": [account.as_json() for account in self.accounts],
            "astray": [{"what": what, "problem": _problem(reason)} for what, reason in self.astray],
        }


def joined(probes: Mapping[str, Sequence[Permission]]) -> tuple[PermissionFound, ...]:
    """Join what was found on several node pools (by their names): missing counts more than unknown, that than granted."""
    found: dict[str, PermissionFound] = {}
    for where, permissions in probes.items():
        for each in permissions:
            known = found.get(each.need.name, PermissionFound(permission=each))
            worse = min(known.permission, each, key=_standing)
            places = (*known.where, where) if each.granted is not True else known.where
            found[each.need.name] = PermissionFound(permission=worse, where=places)
    return tuple(found.values())


def _standing(permission: Permission) -> int:
    return (False, None, True).index(permission.granted)


def _problem(reason: Reason | None) -> Mapping[str, str] | None:
    return None if reason is None else {"reason": str(reason.code), "message": reason.text}
