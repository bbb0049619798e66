"""What our identity may do on EKS. Reads are proved by making them; IAM has no test of a write that needs no right.

So the write is asked for on a node group whose name nobody has: AWS asks IAM first, then looks for the group.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from multicloud.clouds.eks.clients import Clients
from multicloud.clouds.eks.policy import (
    DESCRIBE_CLUSTER,
    DESCRIBE_GROUPS,
    DESCRIBE_NODEGROUP,
    DESCRIBE_UPDATE,
    LIST_NODEGROUPS,
    UPDATE_NODEGROUP,
)
from multicloud.clouds.proof import by_use
from multicloud.model.permission import Need, Permission
from multicloud.model.ref import NodePoolRef

LONGEST_NAME = 63
"""Characters of a node group's name."""


class EksProbe:
    """The port Probe on EKS."""

    def __init__(self, clients: Clients) -> None:
        """Use the account's clients."""
        self._clients = clients

    def probe(self, pool: NodePoolRef) -> Sequence[Permission]:
        """As the port says; six calls."""
        cluster, group = pool.cluster.name, pool.name
        return [
            self._by_read(LIST_NODEGROUPS, pool, "eks", "list_nodegroups", clusterName=cluster, maxResults=1),
            self._by_read(
                DESCRIBE_NODEGROUP, pool, "eks", "describe_nodegroup", clusterName=cluster, nodegroupName=group
            ),
            self._by_read(DESCRIBE_GROUPS, pool, "autoscaling", "describe_auto_scaling_groups", MaxRecords=1),
            self._update(pool),
            self._by_read(
                DESCRIBE_UPDATE,
                pool,
                "eks",
                "describe_update",
                name=cluster,
                nodegroupName=group,
                updateId=str(uuid4()),
            ),
            self._by_read(DESCRIBE_CLUSTER, pool, "eks", "describe_cluster", name=cluster),
        ]

    def _by_read(self, need: Need, pool: NodePoolRef, service: str, operation: str, **arguments: Any) -> Permission:
        region, what = pool.cluster.location, f"trying {need.name}"
        return by_use(need, lambda: self._clients.read(service, region, operation, what, **arguments))[0]

    def _update(self, pool: NodePoolRef) -> Permission:
        nobody = f"{pool.name[: LONGEST_NAME - 33]}-{secrets.token_hex(16)}"
        what = f"trying {UPDATE_NODEGROUP.name} on a node group that does not exist"
        found, _ = by_use(
            UPDATE_NODEGROUP,
            lambda: self._clients.try_update(pool.cluster.location, pool.cluster.name, nobody, what),
        )
        if found.granted is not False:
            return found
        # IAM's answer is the same whether the action or only this name is not allowed.
        hint = f"a policy that names single node groups refuses it too: allow nodegroup/{pool.cluster.name}/*"
        return replace(found, why=f"{found.why} ({hint})")
