"""Addresses of a node group's subnets: a machine needs one in its zone beside everything else that it needs."""

from dataclasses import dataclass, fields

from multicloud_lab.core.capacity import Refusal, Supply
from multicloud_lab.core.nodes import NodeSet


@dataclass(slots=True, kw_only=True, eq=False)
class Subnets:
    """One node group's subnets: nodes that fit into each (None: without limit); `short` when one was asked in vain."""

    addresses: int | None
    nodes: NodeSet | None = None
    short: bool = False

    def are_full(self, zone: str) -> bool:
        """Say whether the zone's subnet has no free address, and remember it."""
        taken = 0 if self.nodes is None else sum(node.zone == zone for node in self.nodes.nodes)
        self.short = self.addresses is not None and taken >= self.addresses
        return self.short


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetSupply(Supply):
    """A supply of machines that asks the subnets first."""

    subnets: Subnets

    def take(self, zone: str) -> Refusal | None:
        """Take one machine in a zone, or say why there is none; `subnets.short` tells a lack of addresses."""
        return "stockout" if self.subnets.are_full(zone) else Supply.take(self, zone)


def with_subnets(supply: Supply, subnets: Subnets) -> SubnetSupply:
    """Return the supply with subnets before it."""
    given = {each.name: getattr(supply, each.name) for each in fields(supply)}
    return SubnetSupply(subnets=subnets, **given)
