"""Policies, and a pool, from the files of the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multicloud.cli.plan.files import Mistakes, parsed_yaml
from multicloud.kinds.parse import InvalidSpec, policy_spec, pool_spec
from multicloud.kinds.refusals import refusals
from multicloud.model.policy import PolicySpec
from multicloud.model.ref import Kind
from multicloud.model.spec import PoolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """A policy and what people call it."""

    name: str
    spec: PolicySpec


def read_policy(paths: Sequence[Path]) -> tuple[NamedPolicy, PoolSpec | None]:
    """The only ScalingPolicy of the files, and their MultiCloudPool if they hold one, refused as the API server would.

    Raises Mistakes.
    """
    policies: list[NamedPolicy] = []
    pools: list[PoolSpec] = []
    for path in paths:
        for body in parsed_yaml(path):
            if not isinstance(body, Mapping):
                continue
            kind = body.get("kind")
            if kind not in {Kind.POLICY, Kind.POOL}:
                continue
            place = f"{path}: {kind} {_name(body, path)}"
            mistakes = refusals(Kind(kind), body)
            if mistakes:
                raise Mistakes([f"{place}: {mistake}" for mistake in mistakes])
            try:
                if kind == Kind.POLICY:
                    policies.append(NamedPolicy(name=_name(body, path), spec=policy_spec(body)))
                else:
                    pools.append(pool_spec(body))
            except InvalidSpec as error:
                raise Mistakes([f"{place}: {error}"]) from None
    named = ", ".join(map(str, paths))
    if len(policies) != 1:
        raise Mistakes([f"{named}: {len(policies) or 'no'} ScalingPolicies; one is played"])
    if len(pools) > 1:
        raise Mistakes([f"{named}: {len(pools)} MultiCloudPools; a policy decides for one"])
    return policies[0], pools[0] if pools else None


def _name(body: Mapping[str, Any], path: Path) -> str:
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return str(name) if name else path.stem
