"""What people, autoscalers and the clouds themselves do beside the clients under test.

The admin port, scenarios and tests act through it. Everything is journalled, with a principal that says
who acts; `replay` does it again.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from multicloud_lab.core.calls import Call
from multicloud_lab.core.journal import HAND, Entry
from multicloud_lab.core.lab import Engine, Lab, MachineGroup, Moved, RefusedError
from multicloud_lab.core.nodes import NodeState

ActedT = TypeVar("ActedT")

AUTOSCALER = "autoscaler"
"""The principal of an autoscaler's moves."""

CLOUD = "cloud"
"""The principal of what a cloud does to its machines."""

NOTICE_S: Mapping[str, float] = {"aws": 120.0, "azure": 30.0, "gcp": 30.0}
"""How long before it a spot machine's end is announced (each vendor's documentation), virtual seconds."""

UPGRADE_S = 3600.0
"""How long an upgrade holds its lock unless said otherwise, virtual seconds."""


class Hands:
    """Acts on a lab. Each raises RefusedError, journalled with the refusal's code, when the cloud would refuse it."""

    def __init__(self, lab: Lab) -> None:
        """Act on this lab."""
        self._lab = lab

    def resize(self, cloud: str, cluster: str, node_pool: str, to: int) -> None:
        """Resize as a person in the console; `to` is in nodes of the whole pool. Journalled as the vendor's operation."""
        self._engine(cloud).resize_by_hand(cluster, node_pool, to)

    def autoscale(self, cloud: str, cluster: str, node_pool: str, to: int) -> None:
        """Move a pool's size as an autoscaler does; `to` is in nodes of the whole pool."""
        call = _call(cloud, "HandAutoscale", AUTOSCALER, cluster, node_pool, to=to)
        self._act(call, lambda: self._engine(cloud).autoscale(cluster, node_pool, to))

    def upgrade(self, cloud: str, cluster: str, node_pool: str, seconds: float = UPGRADE_S) -> None:
        """Start an upgrade with surge that holds the lock for these virtual seconds."""
        call = _call(cloud, "HandUpgrade", HAND, cluster, node_pool, seconds=seconds)
        self._act(call, lambda: self._engine(cloud).upgrade_by_hand(cluster, node_pool, seconds))

    def abort(self, cloud: str, cluster: str, node_pool: str) -> None:
        """Abort the operation that runs on an AKS pool: it ends as Canceled. Refused in the other clouds."""
        call = _call(cloud, "HandAbort", HAND, cluster, node_pool)
        self._act(call, lambda: self._engine(cloud).abort_by_hand(cluster, node_pool))

    def delete(self, cloud: str, cluster: str, node_pool: str | None = None) -> None:
        """Take a pool, or a whole cluster, away at once."""
        call = _call(cloud, "HandDelete", HAND, cluster, node_pool)
        self._act(call, lambda: self._engine(cloud).delete_by_hand(cluster, node_pool))

    def recreate(self, cloud: str, cluster: str, node_pool: str | None = None) -> None:
        """Take a pool, or a whole cluster, away (if it is there) and make it again under its name."""
        call = _call(cloud, "HandRecreate", HAND, cluster, node_pool)
        self._act(call, lambda: self._engine(cloud).recreate_by_hand(cluster, node_pool))

    def reclaim_spot(
        self,
        cloud: str,
        cluster: str | None = None,
        node_pool: str | None = None,
        *,
        region: str | None = None,
        zone: str | None = None,
        nodes: int | None = None,
    ) -> list[str]:
        """Take back ready spot machines with the cloud's notice, oldest first, all that fit or `nodes` of them.

        Returns their names. Refused when none fits.
        """
        call = _call(cloud, "HandSpotReclaim", CLOUD, cluster, node_pool, region=region, zone=zone, nodes=nodes)

        def reclaim() -> list[str]:
            found = [
                (group, node)
                for group in self._engine(cloud).machines()
                if group.spot
                and cluster in {None, group.cluster}
                and node_pool in {None, group.node_pool}
                and region in {None, group.region}
                for node in group.nodes.nodes
                if node.state is NodeState.READY and zone in {None, node.zone}
            ]
            if not found:
                raise RefusedError("NotFound", "No ready spot machine fits: say another place, or none for all.")
            for group, node in found[:nodes]:
                group.nodes.lose(node.name, NOTICE_S[cloud])
            return [node.name for _, node in found[:nodes]]

        return self._act(call, reclaim)

    def kill_node(self, cloud: str, name: str) -> None:
        """Let a machine die; its group launches another. `name` is the machine's or the Kubernetes node's."""
        group, machine = self._find(cloud, name)
        where = (None, None) if group is None else (group.cluster, group.node_pool)
        call = _call(cloud, "HandKillNode", CLOUD, *where, node=name)

        def kill() -> None:
            if group is None:
                raise RefusedError("NotFound", f"There is no machine {name!r} that could die: GET /nodes lists them.")
            group.nodes.lose(machine)

        self._act(call, kill)

    def replay(self, entry: Entry) -> bool:
        """Do again what the entry says was done; False when it was not done by this class."""
        arguments = entry.arguments
        match entry.operation:
            case "HandAutoscale":
                self.autoscale(entry.cloud, *_pool(entry), cast("int", arguments["to"]))
            case "HandUpgrade":
                self.upgrade(entry.cloud, *_pool(entry), cast("float", arguments["seconds"]))
            case "HandAbort":
                self.abort(entry.cloud, *_pool(entry))
            case "HandDelete":
                self.delete(entry.cloud, entry.cluster or "", entry.pool)
            case "HandRecreate":
                self.recreate(entry.cloud, entry.cluster or "", entry.pool)
            case "HandSpotReclaim":
                self.reclaim_spot(
                    entry.cloud,
                    entry.cluster,
                    entry.pool,
                    region=cast("str | None", arguments.get("region")),
                    zone=cast("str | None", arguments.get("zone")),
                    nodes=cast("int | None", arguments.get("nodes")),
                )
            case "HandKillNode":
                self.kill_node(entry.cloud, str(arguments["node"]))
            case _:
                return False
        return True

    def _engine(self, cloud: str) -> Engine:
        engine = self._lab.engines.get(cloud)
        if engine is None:
            raise RefusedError(
                "NotFound", f"The cloud {cloud!r} is not running in this lab: {sorted(self._lab.engines)}."
            )
        return engine

    def _find(self, cloud: str, name: str) -> tuple[MachineGroup | None, str]:
        for group in self._engine(cloud).machines():
            for node in group.nodes.nodes:
                if name in {node.name, group.node_name(node)} and node.state is not NodeState.DRAINING:
                    return group, node.name
        return None, name

    def _act(self, call: Call, action: Callable[[], ActedT]) -> ActedT:
        self._lab.clock.catch_up()
        try:
            done = action()
        except RefusedError as refused:
            self._lab.record(call, result=refused.code)
            raise
        if isinstance(done, Moved):
            self._lab.record(call, effective=done.from_ != done.to, from_=done.from_, to=done.to)
        else:
            self._lab.record(call, effective=True)
        return done


def _call(
    cloud: str, operation: str, principal: str, cluster: str | None, pool: str | None, **arguments: object
) -> Call:
    given = {name: value for name, value in arguments.items() if value is not None}
    return Call(cloud=cloud, operation=operation, principal=principal, cluster=cluster, pool=pool, arguments=given)


def _pool(entry: Entry) -> tuple[str, str]:
    return entry.cluster or "", entry.pool or ""
