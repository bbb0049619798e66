"""The engine's state and how it is looked up: clusters, node groups, updates, tokens; refusals in EKS's words."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from multicloud_lab.core.lab import Lab
from multicloud_lab.core.switches import read_switches
from multicloud_lab.eks.build import CLOUD, Builder
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import (
    AutoScalingGroup,
    Caller,
    Cluster,
    Nodegroup,
    NodegroupSpec,
    Outcome,
    RememberedToken,
    Update,
)
from multicloud_lab.eks.switches import Switches

TOKEN_MEMORY_S = 24 * 3600.0
"""How long a clientRequestToken is remembered. EKS publishes no figure; a day is what other AWS APIs say."""

ClusterKey = tuple[str, str, str]


class Store:
    """Everything the engine knows; the rules' modules change it."""

    def __init__(self, lab: Lab) -> None:
        """Build the seed's state. Raises SeedError for a wrong switch."""
        self.lab = lab
        self.switches = read_switches(Switches, lab.seed.aws.switches, f"{CLOUD}.switches")
        self.builder = Builder(lab, self.switches)
        self.all_clusters: dict[ClusterKey, Cluster] = {}
        self.gone: dict[tuple[str, str], NodegroupSpec] = {}
        self.gone_clusters: dict[str, tuple[Cluster, tuple[NodegroupSpec, ...]]] = {}
        self.born: Callable[[Nodegroup], None] = _nothing
        self._tokens: dict[tuple[str, str, str, str], RememberedToken] = {}

    def reset(self) -> None:
        """Forget everything and build the seed's state; switches go back to the seed's. Raises SeedError."""
        self.switches = read_switches(Switches, self.lab.seed.aws.switches, f"{CLOUD}.switches")
        self.builder = Builder(self.lab, self.switches)
        self._tokens.clear()
        self.gone.clear()
        self.gone_clusters.clear()
        self.all_clusters = {}
        for cluster in self.builder.seeded():
            self.add(cluster)

    def add(self, cluster: Cluster) -> None:
        """Keep a cluster with its node groups."""
        self.all_clusters[cluster.account, cluster.region, cluster.name] = cluster
        for group in cluster.nodegroups.values():
            self.born(group)

    def everything(self) -> Iterator[tuple[Cluster, Nodegroup]]:
        """Every node group with its cluster."""
        for cluster in self.all_clusters.values():
            for group in cluster.nodegroups.values():
                yield cluster, group

    def after(self, owner: Nodegroup | Cluster, delay_s: float, action: Callable[[], None]) -> None:
        """Do something later, unless the node group or cluster is gone by then."""
        owner.timers[:] = [timer for timer in owner.timers if timer.pending]
        owner.timers.append(self.lab.clock.after(delay_s, action))

    def drop_nodegroup(self, cluster: Cluster, group: Nodegroup, remembered: NodegroupSpec) -> None:
        """Take a node group away with its instances and all that was to happen to it."""
        for timer in group.timers:
            timer.cancel()
        group.group.nodes.close()
        del cluster.nodegroups[group.name]
        self.gone[cluster.name, group.name] = remembered

    def drop_cluster(self, cluster: Cluster, remembered: tuple[NodegroupSpec, ...]) -> None:
        """Take a cluster away, which has no node groups any more."""
        for timer in cluster.timers:
            timer.cancel()
        del self.all_clusters[cluster.account, cluster.region, cluster.name]
        self.gone_clusters[cluster.name] = (cluster, remembered)

    # Looking up

    def clusters(self, caller: Caller) -> list[Cluster]:
        """The clusters of the caller's account and region, by name."""
        mine = (c for c in self.all_clusters.values() if (c.account, c.region) == (caller.account, caller.region))
        return sorted(mine, key=lambda cluster: cluster.name)

    def cluster(self, caller: Caller, name: str) -> Cluster:
        """One cluster. Raises ResourceNotFoundException."""
        try:
            return self.all_clusters[caller.account, caller.region, name]
        except KeyError:
            raise not_found(f"No cluster found for name: {name}.", clusterName=name) from None

    def nodegroup(self, caller: Caller, cluster: str, name: str) -> Nodegroup:
        """One node group. Raises ResourceNotFoundException."""
        try:
            return self.cluster(caller, cluster).nodegroups[name]
        except KeyError:
            message = f"No node group found for name: {name}."
            raise not_found(message, clusterName=cluster, nodegroupName=name) from None

    def update(self, caller: Caller, cluster: str, nodegroup: str | None, update_id: str) -> Update:
        """One update; a node group's is found only when the group is named. Raises ResourceNotFoundException."""
        self.cluster(caller, cluster)
        updates = {} if nodegroup is None else self.nodegroup(caller, cluster, nodegroup).updates
        update = updates.get(update_id)
        if update is None or update.forgotten:
            raise not_found(f"No update found for ID: {update_id}")
        return update

    def groups(self, caller: Caller) -> list[AutoScalingGroup]:
        """The Auto Scaling groups of the caller's account and region, by name."""
        found = [n.group for cluster in self.clusters(caller) for n in cluster.nodegroups.values()]
        return sorted(found, key=lambda group: group.name)

    def of_group(self, caller: Caller, name: str) -> Nodegroup:
        """The node group behind an Auto Scaling group. Raises ValidationError."""
        for cluster in self.clusters(caller):
            for nodegroup in cluster.nodegroups.values():
                if nodegroup.group.name == name:
                    return nodegroup
        raise AwsError("ValidationError", "AutoScalingGroup name not found - null")

    def by_name(self, cluster: str) -> Cluster:
        """The one cluster of this name, wherever it is: how hands name it. Raises ResourceNotFoundException."""
        found = [each for each in self.all_clusters.values() if each.name == cluster]
        if len(found) != 1:
            known = sorted({each.name for each in self.all_clusters.values()})
            raise not_found(f"{len(found)} EKS clusters are called {cluster!r}; known: {known}")
        return found[0]

    # Tokens

    def once(
        self, caller: Caller, operation: str, arguments: Mapping[str, Any], accept: Callable[[], Outcome]
    ) -> Outcome:
        """Accept a request, or answer with what the same request with this token made before.

        Raises InvalidParameterException for a token that another body used, and what `accept` raises.
        """
        token = arguments.get("clientRequestToken")
        if token is None:
            return accept()
        asked = json.dumps({k: v for k, v in arguments.items() if k != "clientRequestToken"}, sort_keys=True)
        key = (caller.account, caller.region, operation, str(token))
        known = self._tokens.get(key)
        now_s = self.lab.clock.now()
        if known is not None and now_s - known.time <= TOKEN_MEMORY_S:
            if known.request != asked and self.switches.reused_token_refused:
                message = "The clientRequestToken was already used with different parameters"
                raise AwsError("InvalidParameterException", message, 400, **names(arguments))
            return Outcome(made=known.made, effective=False)
        outcome = accept()
        if outcome.made is not None:
            self._tokens[key] = RememberedToken(time=now_s, request=asked, made=outcome.made)
        return outcome


def names(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return what an error says of its place: the names in the request."""
    cluster = arguments.get("clusterName", arguments.get("name"))
    found = {"clusterName": cluster, "nodegroupName": arguments.get("nodegroupName")}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def not_found(message: str, **fields: str) -> AwsError:
    """Return EKS's refusal of an unknown name."""
    return AwsError("ResourceNotFoundException", message, 404, **fields)


def _nothing(_group: Nodegroup) -> None:
    """Be nobody's listener."""
