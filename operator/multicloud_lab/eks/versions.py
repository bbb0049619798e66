"""UpdateNodegroupVersion: every instance replaced by a new one, with a surge, while the node group is locked.

The Auto Scaling group's desired and maximum rise by twice the number of zones, or by maxUnavailable if that is
more (AWS's description of the update's phases); each instance is drained and terminated in its turn.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from multicloud_lab.core.calls import Call
from multicloud_lab.core.nodes import NodeState
from multicloud_lab.eks.build import CLOUD, latest_release
from multicloud_lab.eks.health import look
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller, Cluster, Nodegroup, Outcome
from multicloud_lab.eks.store import Store, names
from multicloud_lab.eks.updates import Work, begin, new_update, refuse_unless_free

BATCH_S = 180.0
"""How long a batch of instances takes: draining, terminating, the new ones' start. Virtual seconds."""
DRAIN_NOTICE_S = 30.0
"""How long an instance drains before it goes, virtual seconds."""
ROLLING_SHARE = 0.8
"""The share of the update's time in which instances are replaced; the last ones start in the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the new instances are made after."""

    version: str
    release: str
    launch_template: Mapping[str, str] | None = None


def update_version(store: Store, caller: Caller, arguments: Mapping[str, Any]) -> Outcome:
    """UpdateNodegroupVersion (arguments checked against the model).

    Raises ResourceNotFoundException, InvalidParameterException (a version that the cluster or the node group
    cannot have), ResourceInUseException while something else runs, InvalidRequestException.
    """
    cluster = store.cluster(caller, arguments["clusterName"])
    group = store.nodegroup(caller, cluster.name, arguments["nodegroupName"])
    place = names(arguments)
    if cluster.status != "ACTIVE":
        raise AwsError("InvalidRequestException", f"Cluster '{cluster.name}' is not in ACTIVE status", 400, **place)

    def accept() -> Outcome:
        version = arguments.get("version") or group.version
        _check_version(version, cluster, group, place)
        refuse_unless_free(store, group, place)
        release = arguments.get("releaseVersion") or latest_release(version)
        batches = -(-max(group.group.nodes.target, 1) // max_unavailable(group))
        drawn_s = store.lab.seed.timings.eks_update.draw(store.lab.rng)
        call = Call(
            cloud=CLOUD,
            operation="UpdateNodegroupVersion",
            principal=caller.name,
            cluster=cluster.name,
            pool=group.name,
        )
        target = Target(version=version, release=release, launch_template=arguments.get("launchTemplate"))
        return roll(store, group, target, drawn_s + batches * BATCH_S, call)

    return store.once(caller, "UpdateNodegroupVersion", arguments, accept)


def roll(store: Store, group: Nodegroup, to: Target, duration_s: float, call: Call) -> Outcome:
    """Start replacing every instance by one made after `to` within these virtual seconds."""
    update = new_update(store, "VersionUpdate", _params(to))

    def apply(limit: int | None) -> None:
        nodes = group.group.nodes
        nodes.set_surge(max(2 * len(group.group.zones), max_unavailable(group)))
        look(store, group)
        ready = [node.name for node in nodes.nodes if node.state is NodeState.READY][:limit]
        for index, name in enumerate(ready):
            delay_s = duration_s * ROLLING_SHARE * (index + 1) / (len(ready) + 1)
            store.after(group, delay_s, partial(_replace, group, name))

    def calm() -> None:
        group.group.nodes.set_surge(0)

    def done() -> None:
        calm()
        group.version, group.release_version = to.version, to.release
        if to.launch_template:
            group.settings["launchTemplate"] = to.launch_template

    work = Work(apply=apply, undo=calm, done=done, lag_s=0.0, duration_s=duration_s)
    begin(store, group, update, work, call)
    return Outcome(made=update)


def max_unavailable(group: Nodegroup) -> int:
    """Return how many nodes may be replaced at a time: a number or a share of the node group, at least one."""
    config = group.settings.get("updateConfig") or {}
    if "maxUnavailablePercentage" in config:
        return max(int(config["maxUnavailablePercentage"]) * group.group.nodes.target // 100, 1)
    return int(config.get("maxUnavailable", 1))


def _params(to: Target) -> tuple[tuple[str, str], ...]:
    template = to.launch_template or {}
    given = [("LaunchTemplateName", template.get("name")), ("LaunchTemplateVersion", template.get("version"))]
    named = tuple((kind, value) for kind, value in given if value is not None)
    return (("Version", to.version), ("ReleaseVersion", to.release), *named)


def _check_version(version: str, cluster: Cluster, group: Nodegroup, place: dict[str, str]) -> None:
    asked = re.fullmatch(r"1\.(\d+)", version)
    present, highest = int(group.version.partition(".")[2]), int(cluster.version.partition(".")[2])
    if asked is None:
        wrong = f"Requested Nodegroup version {version} is not valid"
    elif int(asked[1]) > highest:
        wrong = f"Nodegroup version {version} can't be greater than the cluster's version {cluster.version}"
    elif int(asked[1]) < present:
        wrong = f"Nodegroup version {version} can't be lower than the present version {group.version}"
    else:
        return
    raise AwsError("InvalidParameterException", wrong, 400, **place)


def _replace(group: Nodegroup, name: str) -> None:
    nodes = group.group.nodes
    if any(node.name == name and node.state is not NodeState.DRAINING for node in nodes.nodes):
        nodes.lose(name, DRAIN_NOTICE_S)
