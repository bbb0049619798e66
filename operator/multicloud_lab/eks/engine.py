"""EKS's rules on state, without HTTP: what the lab asks of every cloud, and the operations that change something.

The rules are in the modules beside this one; `MUTATIONS` names them as AWS names the operations.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from multicloud_lab.core.journal import Entry
from multicloud_lab.core.lab import Lab, MachineGroup, Moved, PoolView, RefusedError
from multicloud_lab.core.nodes import Node
from multicloud_lab.eks import hands
from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.health import watch
from multicloud_lab.eks.life import create_cluster, create_nodegroup, delete_cluster, delete_nodegroup
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.sessions import Sessions, user
from multicloud_lab.eks.sizing import set_desired_capacity, update_config
from multicloud_lab.eks.state import Caller, Cluster, Nodegroup, Outcome
from multicloud_lab.eks.store import Store, not_found
from multicloud_lab.eks.tagging import tag_resource, untag_resource
from multicloud_lab.eks.versions import update_version

Mutation = Callable[[Store, Caller, Mapping[str, Any]], Outcome]

_RUNNING = {"CREATING", "DELETING"}
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


def cancel_update(store: Store, caller: Caller, arguments: Mapping[str, Any]) -> Outcome:
    """CancelUpdate: no update of a node group can be cancelled (the documents name VersionRollback only).

    Raises ResourceNotFoundException, InvalidStateException (it has ended), InvalidRequestException.
    """
    cluster = store.cluster(caller, arguments["name"])
    for group in cluster.nodegroups.values():
        update = group.updates.get(arguments["updateId"])
        if update is not None and not update.forgotten:
            if update.status != "InProgress":
                message = f"Update {update.id} is {update.status} and cannot be cancelled"
                raise AwsError("InvalidStateException", message, 400, clusterName=cluster.name)
            message = f"Update {update.id} of type {update.type} cannot be cancelled"
            raise AwsError("InvalidRequestException", message, 400, clusterName=cluster.name, nodegroupName=group.name)
    raise not_found(f"No update found for ID: {arguments['updateId']}", clusterName=cluster.name)


MUTATIONS: Mapping[str, Mutation] = {
    "CreateCluster": create_cluster,
    "DeleteCluster": delete_cluster,
    "CreateNodegroup": create_nodegroup,
    "DeleteNodegroup": delete_nodegroup,
    "UpdateNodegroupConfig": update_config,
    "UpdateNodegroupVersion": update_version,
    "CancelUpdate": cancel_update,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "SetDesiredCapacity": set_desired_capacity,
}
"""By operation, EKS's and Auto Scaling's; each raises AwsError and changes nothing then."""


class EksEngine:
    """Clusters and node groups of every account and region of the seed."""

    def __init__(self, lab: Lab) -> None:
        """Build the seed's state. Raises SeedError for a wrong switch."""
        self.lab = lab
        self.store = Store(lab)
        self.store.born = lambda group: watch(self.store, group)
        self.sessions = Sessions(lab, self.store.switches)
        self.reset()

    def reset(self) -> None:
        """Forget everything and build the seed's state; sessions stay valid."""
        self.store.reset()
        self.sessions.switches = self.store.switches

    def change(self, operation: str, caller: Caller, arguments: Mapping[str, Any]) -> Outcome:
        """Do one of MUTATIONS. Raises AwsError."""
        return MUTATIONS[operation](self.store, caller, arguments)

    def pools(self) -> Iterable[PoolView]:
        """Every node group; `requested` is the size asked for last, by anyone."""
        for cluster, group in self.store.everything():
            yield PoolView(
                cloud=CLOUD,
                cluster=cluster.name,
                node_pool=group.name,
                requested=group.wished,
                nodes=group.group.nodes.existing,
                ready=group.group.nodes.ready,
                status=group.status,
            )

    def machines(self) -> Iterable[MachineGroup]:
        """Every Auto Scaling group."""
        for cluster, group in self.store.everything():
            yield machine_group(cluster, group)

    def violations(self) -> Iterable[str]:
        """A sentence for every rule of EKS that the state breaks."""
        for cluster, group in self.store.everything():
            for sentence in _violations(group, self.lab.clock.now()):
                yield f"aws/{cluster.name}/{group.name}: {sentence}"

    def replay(self, entry: Entry) -> bool:
        """Do again what a journalled mutation did; False for a read. Raises AwsError."""
        if entry.operation not in MUTATIONS:
            return False
        given = dict(entry.arguments)
        account, region = given.pop("account", None), given.pop("region", None)
        if account is None or region is None:
            cluster = self.store.by_name(entry.cluster or "")
            account, region = cluster.account, cluster.region
        caller = user(entry.principal, entry.principal, str(account), str(region))
        self.change(entry.operation, caller, given)
        return True

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Change desiredSize as a person does in the console: an UpdateNodegroupConfig like any other."""
        hands.resize(self.store, cluster, node_pool, to)

    def autoscale(self, cluster: str, node_pool: str, to: int) -> Moved:
        """Move the Auto Scaling group as Cluster Autoscaler does."""
        return hands.autoscale(self.store, cluster, node_pool, to)

    def upgrade_by_hand(self, cluster: str, node_pool: str, seconds: float) -> None:
        """Replace every instance within these virtual seconds, holding the node group's lock."""
        hands.upgrade(self.store, cluster, node_pool, seconds)

    def abort_by_hand(self, cluster: str, node_pool: str) -> None:
        """Refuse: EKS has no call that ends an update of a node group's sizes."""
        message = f"An update of {cluster}/{node_pool} cannot be aborted: only AKS lets a person do that. Let it end."
        raise RefusedError("InvalidRequestException", message)

    def delete_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Take a node group (None: the cluster) away at once."""
        hands.delete(self.store, cluster, node_pool)

    def recreate_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Make a node group (None: the cluster) anew under its name."""
        hands.recreate(self.store, cluster, node_pool)


def machine_group(cluster: Cluster, group: Nodegroup) -> MachineGroup:
    """Return a node group's instances as the member cluster and the hands see them."""
    domain = "ec2.internal" if cluster.region == "us-east-1" else f"{cluster.region}.compute.internal"

    def provider_id(node: Node) -> str:
        return f"aws:///{node.zone}/{node.name}"

    def node_name(node: Node) -> str:
        digest = hashlib.sha256(f"{cluster.arn}/{node.name}".encode()).digest()
        return f"ip-10-{digest[0]}-{digest[1]}-{digest[2]}.{domain}"

    return MachineGroup(
        cloud=CLOUD,
        account=cluster.account,
        region=cluster.region,
        location=cluster.region,
        cluster=cluster.name,
        node_pool=group.name,
        instance_type=group.group.instance_type,
        spot=group.spec.capacity_type == "SPOT",
        nodes=group.group.nodes,
        provider_id=provider_id,
        node_name=node_name,
        labels={
            "eks.amazonaws.com/nodegroup": group.name,
            "eks.amazonaws.com/capacityType": group.spec.capacity_type,
            **group.labels,
        },
        taints=[(t.get("key", ""), t.get("value", ""), _EFFECTS[t.get("effect", "NO_SCHEDULE")]) for t in group.taints],
        name=group.group.name,
    )


def _violations(group: Nodegroup, now_s: float) -> Iterable[str]:
    asg = group.group
    if not asg.min <= asg.nodes.target <= asg.max:
        yield f"{asg.nodes.target} instances are wished, but the group's range is {asg.min} to {asg.max}"
    running = [update for update in group.updates.values() if update.status == "InProgress"]
    if len(running) > 1:
        yield f"{len(running)} updates run, but a node group has one at a time"
    if (group.status == "UPDATING") is not bool(running):
        yield f"its status is {group.status}, but {len(running)} updates run"
    if group.status in _RUNNING and group.ends is None and not group.stuck:
        yield f"its status is {group.status}, but nothing will end that"
    late = [update.id for update in running if update.ends is not None and update.ends < now_s]
    if late or (group.ends is not None and group.ends < now_s):
        yield f"something that runs should have ended: {', '.join(late) or group.status}"
    if group.status == "DEGRADED" and not group.issues:
        yield "it is DEGRADED without an issue"
