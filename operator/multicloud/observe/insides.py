"""What members' own clusters show of their node pools, asked of the eyes that the process has, if it has any.

`observer` says which members there are and puts the answers into views: where a cluster shows its nodes, its word on what
is ready stands above the cloud's. To be without is no trouble of a member; `status.members[].readySource` tells it.
"""

from collections.abc import Iterable
from dataclasses import replace

from multicloud.model.member import ClusterLogin, Inside, Load, Look
from multicloud.model.plan import MemberView
from multicloud.model.pods import Crowd
from multicloud.model.port import ClusterEyes
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Kind, NodePoolRef, ObjectKey
from multicloud.model.size import ReadySource, Sight
from multicloud.model.spec import Detect, MemberSpec

_NO_EYES = Inside(
    trouble=Reason(
        code=Code.NO_CLUSTER_ACCESS, text="the setting memberClusters.look keeps the operator out of clusters"
    )
)


class Insides:
    """A thin face of the port ClusterEyes, in members' terms."""

    def __init__(self, eyes: ClusterEyes | None) -> None:
        """Without eyes every member is seen from outside only."""
        self._eyes = eyes

    def of(self, account: ObjectKey, member: MemberSpec, node_pool: NodePoolRef) -> Inside:
        """What is known of a member's node pool from inside."""
        if self._eyes is None:
            return _NO_EYES
        return self._eyes.inside(_login(account, member, node_pool), node_pool.name)

    def login(self, account: ObjectKey, member: MemberSpec, node_pool: NodePoolRef) -> ClusterLogin | None:
        """The way into a member's cluster; None where nobody looks inside."""
        return None if self._eyes is None else _login(account, member, node_pool)

    def load(self, account: ObjectKey, member: MemberSpec, node_pool: NodePoolRef) -> Load | None:
        """What a member's nodes offer and its pods request; None where that is not known."""
        return None if self._eyes is None else self._eyes.load(_login(account, member, node_pool), node_pool.name)

    def crowd(
        self, account: ObjectKey, member: MemberSpec, node_pool: NodePoolRef, node_pools: Iterable[str]
    ) -> Crowd | None:
        """The pods that wait in a member's cluster, and what these node pools there have for them; None for not known."""
        return None if self._eyes is None else self._eyes.crowd(_login(account, member, node_pool), node_pools)

    def attend(self, pool: ObjectKey, views: Iterable[MemberView]) -> None:
        """Look into the clusters of these members from now on, no others for this pool.

        Only where the cloud has shown the node pool: nobody's cluster is entered on a name alone.
        """
        if self._eyes is None:
            return
        looks: dict[ClusterLogin, Look] = {}
        for view in views:
            facts = view.sight.proved
            if view.refusal is not None or view.claimed_by_other is not None or facts is None:
                continue
            account = ObjectKey(kind=Kind.ACCOUNT, namespace=pool.namespace, name=view.spec.account)
            login = _login(account, view.spec, view.node_pool)
            known = looks.get(login, Look(node_pools=frozenset()))
            asks = bool(facts.groups) and view.spec.detect_autoscaler is Detect.AUTO
            looks[login] = Look(
                node_pools=known.node_pools | {view.node_pool.name}, autoscaler=known.autoscaler or asks
            )
        self._eyes.attend(pool, looks)

    def account_changed(self, account: ObjectKey) -> None:
        """It may be another identity now."""
        if self._eyes is not None:
            self._eyes.account_changed(account)

    def close(self) -> None:
        """Stop looking."""
        if self._eyes is not None:
            self._eyes.close()


def with_ready(sight: Sight, inside: Inside) -> Sight:
    """The sight with the cluster's own word on what is ready, where there is one."""
    if sight.proved is None or inside.counted is None:
        return sight
    proved = replace(sight.proved, ready=inside.counted.ready, ready_source=ReadySource.KUBERNETES)
    return replace(sight, proved=proved)


def _login(account: ObjectKey, member: MemberSpec, node_pool: NodePoolRef) -> ClusterLogin:
    return ClusterLogin(account=account, cluster=node_pool.cluster, kubeconfig=member.kubeconfig)
