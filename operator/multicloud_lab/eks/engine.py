"""EKS's rules on node groups, without HTTP: what is accepted, what it changes, and when.

Sources: botocore's models for shapes; for behaviour the vendor's documents and public issue threads.
Where AWS does not say, the choice is stated at the place.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from multicloud_lab.core.gate import Call
from multicloud_lab.core.journal import HAND
from multicloud_lab.core.lab import Lab, PoolView, RefusedError
from multicloud_lab.eks.build import build_clusters
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import (
    AutoScalingGroup,
    Caller,
    Cluster,
    Nodegroup,
    Outcome,
    RememberedToken,
    Scaling,
    Update,
)

CLOUD = "aws"
TOKEN_MEMORY_S = 24 * 3600.0
"""How long a clientRequestToken is remembered. EKS publishes no figure; a day is what other AWS APIs say."""
MAX_NODES = 450
"""Nodes per managed node group (service quota, adjustable)."""
SCALING_LAG_S = 60.0
"""How late scalingConfig follows a change made on the Auto Scaling group (documented as "may lag")."""

ClusterKey = tuple[str, str, str]
_SETTINGS = ("updateConfig", "nodeRepairConfig", "warmPoolConfig")


class EksEngine:
    """Clusters and node groups of every account and region of the seed."""

    def __init__(self, lab: Lab) -> None:
        """Build the seed's state."""
        self._lab = lab
        self._clusters: dict[ClusterKey, Cluster] = {}
        self._tokens: dict[tuple[str, str, str], RememberedToken] = {}
        self.reset()

    def reset(self) -> None:
        """Forget everything and build the seed's state."""
        self._tokens.clear()
        self._clusters = {(c.account, c.region, c.name): c for c in build_clusters(self._lab)}

    def pools(self) -> Iterable[PoolView]:
        """Every node group; `requested` is the size asked for last, by anyone."""
        for cluster in self._clusters.values():
            for group in cluster.nodegroups.values():
                yield PoolView(
                    cloud=CLOUD,
                    cluster=cluster.name,
                    node_pool=group.name,
                    requested=group.wished,
                    nodes=group.group.nodes.existing,
                    ready=group.group.nodes.ready,
                    status=group.status,
                )

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Change desiredSize as a person does in the console: an UpdateNodegroupConfig like any other."""
        found = [each for each in self._clusters.values() if each.name == cluster]
        if len(found) != 1:
            known = sorted({each.name for each in self._clusters.values()})
            raise RefusedError(
                "ResourceNotFoundException", f"{len(found)} EKS clusters are called {cluster!r}; known: {known}"
            )
        where = found[0]
        caller = Caller(name=HAND, access_key_id=HAND, account=where.account, region=where.region)
        request = {"scalingConfig": {"desiredSize": to}}
        call = Call(
            cloud=CLOUD,
            operation="UpdateNodegroupConfig",
            principal=HAND,
            cluster=cluster,
            pool=node_pool,
            arguments=request,
        )
        try:
            outcome = self.update_config(caller, cluster, node_pool, request)
        except RefusedError as refused:
            self._lab.record(call, result=refused.code)
            raise
        self._lab.record(call, effective=outcome.effective, from_=outcome.from_, to=outcome.to)

    def clusters(self, caller: Caller) -> list[Cluster]:
        """The clusters of the caller's account and region, by name."""
        mine = (c for c in self._clusters.values() if (c.account, c.region) == (caller.account, caller.region))
        return sorted(mine, key=lambda cluster: cluster.name)

    def cluster(self, caller: Caller, name: str) -> Cluster:
        """One cluster. Raises ResourceNotFoundException."""
        try:
            return self._clusters[caller.account, caller.region, name]
        except KeyError:
            raise AwsError(
                "ResourceNotFoundException", f"No cluster found for name: {name}.", 404, clusterName=name
            ) from None

    def nodegroup(self, caller: Caller, cluster: str, name: str) -> Nodegroup:
        """One node group. Raises ResourceNotFoundException."""
        try:
            return self.cluster(caller, cluster).nodegroups[name]
        except KeyError:
            raise AwsError(
                "ResourceNotFoundException",
                f"No node group found for name: {name}.",
                404,
                clusterName=cluster,
                nodegroupName=name,
            ) from None

    def update(self, caller: Caller, cluster: str, nodegroup: str | None, update_id: str) -> Update:
        """One update; a node group's is found only when the group is named. Raises ResourceNotFoundException."""
        self.cluster(caller, cluster)
        updates = {} if nodegroup is None else self.nodegroup(caller, cluster, nodegroup).updates
        try:
            return updates[update_id]
        except KeyError:
            raise AwsError("ResourceNotFoundException", f"No update found for ID: {update_id}", 404) from None

    def groups(self, caller: Caller) -> list[AutoScalingGroup]:
        """The Auto Scaling groups of the caller's account and region, by name."""
        found = [n.group for cluster in self.clusters(caller) for n in cluster.nodegroups.values()]
        return sorted(found, key=lambda group: group.name)

    def update_config(self, caller: Caller, cluster: str, nodegroup: str, request: Mapping[str, Any]) -> Outcome:
        """UpdateNodegroupConfig, `request` being its body (checked against the model).

        A remembered token answers with its update and changes nothing. Raises ResourceNotFoundException,
        InvalidParameterException (range, token with another body, nothing to change),
        ResourceInUseException while another update runs.
        """
        token = request.get("clientRequestToken")
        asked = json.dumps(
            [cluster, nodegroup, {k: v for k, v in request.items() if k != "clientRequestToken"}], sort_keys=True
        )
        group = self.nodegroup(caller, cluster, nodegroup)
        replay = self._remembered(caller, token, asked, cluster, nodegroup)
        if replay is not None:
            return Outcome(update=replay, effective=False)
        names = {"clusterName": cluster, "nodegroupName": nodegroup}
        if not any(request.get(part) for part in ("scalingConfig", "labels", "taints", *_SETTINGS)):
            raise AwsError("InvalidParameterException", "The request names nothing to update", 400, **names)
        scaling = _merged(group.scaling, request.get("scalingConfig") or {}, names)
        if group.status != "ACTIVE":
            running = next(u.id for u in group.updates.values() if u.status == "InProgress")
            raise AwsError(
                "ResourceInUseException",
                f"Nodegroup cannot be updated as it is currently not in Active State: it has update {running} in progress",
                409,
                **names,
            )
        outcome = self._accept(group, scaling, request)
        if token is not None and outcome.update is not None:
            remembered = RememberedToken(time=self._lab.clock.now(), request=asked, update=outcome.update)
            self._tokens[caller.account, caller.region, str(token)] = remembered
        return outcome

    def set_desired_capacity(self, caller: Caller, name: str, desired: int) -> Outcome:
        """Auto Scaling's SetDesiredCapacity: what Cluster Autoscaler calls. EKS shows it late.

        Raises ValidationError for an unknown group and for a size outside the group's range.
        """
        for cluster in self.clusters(caller):
            for nodegroup in cluster.nodegroups.values():
                if nodegroup.group.name == name:
                    return self._move(nodegroup, desired)
        raise AwsError("ValidationError", "AutoScalingGroup name not found - null")

    def _move(self, nodegroup: Nodegroup, desired: int) -> Outcome:
        group = nodegroup.group
        if desired > group.max:
            message = f"New SetDesiredCapacity value {desired} is above max value {group.max} for the AutoScalingGroup."
            raise AwsError("ValidationError", message)
        if desired < group.min:
            message = f"New SetDesiredCapacity value {desired} is below min value {group.min} for the AutoScalingGroup."
            raise AwsError("ValidationError", message)
        before, nodegroup.wished = nodegroup.wished, desired
        group.nodes.set_target(desired)
        self._lab.clock.after(SCALING_LAG_S, lambda: _follow(nodegroup))
        return Outcome(update=None, effective=desired != before, from_=before, to=desired)

    def _remembered(self, caller: Caller, token: object, asked: str, cluster: str, nodegroup: str) -> Update | None:
        known = self._tokens.get((caller.account, caller.region, str(token))) if token is not None else None
        if known is None or self._lab.clock.now() - known.time > TOKEN_MEMORY_S:
            return None
        if known.request != asked:
            raise AwsError(
                "InvalidParameterException",
                "The clientRequestToken was already used with different parameters",
                400,
                clusterName=cluster,
                nodegroupName=nodegroup,
            )
        return known.update

    def _accept(self, group: Nodegroup, scaling: Scaling, request: Mapping[str, Any]) -> Outcome:
        """Start the update: numbers shown at once, the Auto Scaling group seconds later, done after a while."""
        lab, timings = self._lab, self._lab.seed.timings
        now_s = lab.clock.now()
        update = Update(
            id=str(uuid.UUID(int=lab.rng.getrandbits(128), version=4)), created=now_s, params=_params(request)
        )
        asked = request.get("scalingConfig") or {}
        desired = scaling.desired if asked.get("desiredSize") is not None else None
        before = group.wished
        changed = scaling != group.scaling or (desired is not None and desired != before)
        changed = _apply_kubernetes(group, request) or changed
        if desired is not None:
            group.wished = desired
        group.scaling, group.status, group.modified = scaling, "UPDATING", now_s
        group.updates[update.id] = update

        def numbers_reach_the_group() -> None:
            asg = group.group
            asg.min, asg.max = scaling.min, scaling.max
            target = desired if desired is not None else asg.desired
            asg.nodes.set_target(min(max(target, scaling.min), scaling.max))
            group.wished = asg.desired

        def finish() -> None:
            update.status, group.status = "Successful", "ACTIVE"
            group.modified = lab.clock.now()
            lab.clock.after(SCALING_LAG_S, lambda: _follow(group))

        if asked:
            lab.clock.after(timings.eks_asg_lag.draw(lab.rng), numbers_reach_the_group)
        lab.clock.after(timings.eks_update.draw(lab.rng), finish)
        return Outcome(update=update, effective=changed, from_=before, to=group.wished)


def _merged(present: Scaling, asked: Mapping[str, Any], names: dict[str, str]) -> Scaling:
    """Merge what is given into the present range, and refuse what does not fit together (texts: seen on EKS)."""

    def pick(name: str, otherwise: int) -> int:
        given = asked.get(name)
        return otherwise if given is None else int(given)

    scaling = Scaling(
        min=pick("minSize", present.min),
        max=pick("maxSize", present.max),
        desired=pick("desiredSize", present.desired),
    )
    wrong = None
    if scaling.min > scaling.max:
        wrong = "minSize can't be greater than maxSize"
    elif scaling.min > scaling.desired:
        wrong = f"Minimum capacity {scaling.min} can't be greater than desired size {scaling.desired}"
    elif scaling.desired > scaling.max:
        wrong = "desiredSize can't be greater than maxSize"
    elif scaling.max > MAX_NODES:
        wrong = f"maxSize can't be greater than {MAX_NODES}"
    if wrong is not None:
        raise AwsError("InvalidParameterException", wrong, 400, **names)
    return scaling


def _params(request: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the update's params as DescribeUpdate shows them: every value is a string."""
    asked = request.get("scalingConfig") or {}
    labels, taints = request.get("labels") or {}, request.get("taints") or {}
    repair, update = request.get("nodeRepairConfig") or {}, request.get("updateConfig") or {}
    given = [
        ("MinSize", asked.get("minSize")),
        ("MaxSize", asked.get("maxSize")),
        ("DesiredSize", asked.get("desiredSize")),
        ("LabelsToAdd", labels.get("addOrUpdateLabels")),
        ("LabelsToRemove", labels.get("removeLabels")),
        ("TaintsToAdd", taints.get("addOrUpdateTaints")),
        ("TaintsToRemove", taints.get("removeTaints")),
        ("MaxUnavailable", update.get("maxUnavailable")),
        ("MaxUnavailablePercentage", update.get("maxUnavailablePercentage")),
        ("NodeRepairEnabled", repair.get("enabled")),
    ]
    return tuple((kind, v if isinstance(v, str) else json.dumps(v)) for kind, v in given if v is not None)


def _apply_kubernetes(group: Nodegroup, request: Mapping[str, Any]) -> bool:
    """Apply labels, taints and the other blocks; says whether anything changed."""
    before = json.dumps([group.labels, group.taints, group.settings], sort_keys=True)
    labels, taints = request.get("labels") or {}, request.get("taints") or {}
    group.labels.update(labels.get("addOrUpdateLabels") or {})
    for key in labels.get("removeLabels") or []:
        group.labels.pop(key, None)
    for taint in [*(taints.get("removeTaints") or []), *(taints.get("addOrUpdateTaints") or [])]:
        same = (taint.get("key"), taint.get("effect"))
        group.taints = [each for each in group.taints if (each.get("key"), each.get("effect")) != same]
    group.taints += taints.get("addOrUpdateTaints") or []
    for name in _SETTINGS:
        if request.get(name):
            group.settings[name] = dict(request[name])
    return json.dumps([group.labels, group.taints, group.settings], sort_keys=True) != before


def _follow(nodegroup: Nodegroup) -> None:
    """Let scalingConfig show what the Auto Scaling group says, unless an update is deciding it."""
    if nodegroup.status == "ACTIVE":
        nodegroup.scaling = Scaling(
            min=nodegroup.scaling.min, max=nodegroup.scaling.max, desired=nodegroup.group.desired
        )
