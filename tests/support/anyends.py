"""What became of a pool's wish, as its status shows it: met, or told why not."""

import json
from collections.abc import Mapping

from support.anynotes import OVERRIDE
from support.world import World, pool_key

SAYS_WHY = frozenset(
    {
        "AboveBound",
        "AdoptionPending",
        "ApprovalRequired",
        "AutoscalerOn",
        "CapacityLimited",
        "CostCeilingReached",
        "Drifted",
        "ForeignScaler",
        "OverrideInvalid",
        "Paused",
        "Stalled",
        "UnsafeToShrink",
    }
)
"""Conditions that are True where something keeps a wish from being met."""


def is_met(world: World, name: str) -> bool:
    """True when a pool has what it wishes: as many units as whole nodes allow, nothing that binds, nothing to report."""
    spec, status = world.spec(name), world.status(name)
    wish, desired, units = _wish(world, name), status.get("desiredReplicas"), status.get("replicas")
    clamped = None if wish is None else max(spec["minReplicas"], min(spec["maxReplicas"], wish))
    # A whole node more than wished may be the smallest that reaches it.
    largest = max(member.get("unitsPerNode", 1) for member in spec["members"])
    return desired is not None and clamped in {None, desired} and desired <= (units or 0) < desired + largest


def _wish(world: World, name: str) -> int | None:
    """The units that somebody asks for, before the pool's own bounds; None where nobody does."""
    body = world.cluster.objects[pool_key(name)]
    wish: int | None = body["spec"].get("replicas")
    if (world.status(name).get("desiredBy") or {}).get("kind") != "Override":
        return wish
    said = json.loads(body["metadata"]["annotations"][OVERRIDE])
    if wish is None:
        number: int | None = said.get("replicas")
        return number
    low, high = (said.get("replicas", said.get(bound)) for bound in ("minReplicas", "maxReplicas"))
    return max(low or 0, min(wish if high is None else high, wish))


def is_at_rest(world: World, name: str) -> bool:
    """True when every member has the size that it should have, whether or not the bounds let the wish be met."""
    return {member["reason"] for member in world.status(name).get("members", ())} == {"AsWished"}


def is_told(world: World, name: str) -> bool:
    """True when the status says why a wish is not met."""
    status = world.status(name)
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    unhealthy = any(conditions[kind]["status"] != "True" for kind in ("Ready", "MembersHealthy") if kind in conditions)
    bound = any(kind in SAYS_WHY and each["status"] == "True" for kind, each in conditions.items())
    return bool(status.get("limitedBy")) or unhealthy or bound


def is_account_told(world: World, name: str) -> bool:
    """True when an account signs in, or its status says why it does not."""
    status, reason = world.account_conditions(name).get("Ready", ("", ""))
    return (status == "True") or (status == "False" and reason not in {"", "Reconciling"})


def sizes(world: World, name: str) -> Mapping[str, int | None]:
    """The sizes of a pool's members, as its status shows them."""
    return {member["name"]: member["requestedNodes"] for member in world.status(name)["members"]}
