"""Tries the way into members' clusters for a check: the account's own, or the kubeconfig that the member names."""

from typing import Final

from multicloud.cli.check.checking import Greet
from multicloud.cli.check.findings import Inner, MemberFound
from multicloud.clouds.lane import CloudLane
from multicloud.kube.members.greeting import greet
from multicloud.kube.members.kubeconfig import fetch_kubeconfig
from multicloud.model.error import CloudError
from multicloud.model.port import Secrets
from multicloud.settings import MemberClusters

ANSWERS: Final = "answers"
"""The cluster showed what the operator reads there."""


def greeter(secrets: Secrets, settings: MemberClusters) -> Greet:
    """What `checking` asks each member's cluster with, after the same settings as the operator's."""

    async def answer(lane: CloudLane, namespace: str, member: MemberFound) -> Inner:
        if not settings.look:
            return Inner(kubernetes="is not looked into (setting memberClusters.look)")
        cluster = member.node_pool.cluster
        try:
            if member.kubeconfig:
                way_in = await fetch_kubeconfig(secrets, namespace, member.kubeconfig, settings.kubeconfig_hosts)
            else:
                way_in = await lane.credential(cluster, None)
        except CloudError as error:
            trouble = error.reason
        else:
            found = await greet(way_in, cluster)
            if found.trouble is None:
                return Inner(kubernetes=ANSWERS, cordons=found.cordons)
            trouble = found.trouble
        return Inner(kubernetes=f"{trouble.code}: {trouble.text}")

    return answer
