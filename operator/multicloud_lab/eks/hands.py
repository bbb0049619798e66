"""Other people and machines at work on AWS's side: they change state beside the calls of the client under test.

`core.hands` journals them, except the resize, which is journalled here as the console's own call.
"""

from multicloud_lab.core.calls import Call
from multicloud_lab.core.journal import HAND
from multicloud_lab.core.lab import Moved, RefusedError
from multicloud_lab.eks.build import CLOUD, latest_release, spec_of
from multicloud_lab.eks.health import watch
from multicloud_lab.eks.sizing import move_group, update_config
from multicloud_lab.eks.state import Caller, Cluster, Nodegroup
from multicloud_lab.eks.store import Store, not_found
from multicloud_lab.eks.updates import refuse_unless_free
from multicloud_lab.eks.versions import Target, roll


def hand(cluster: Cluster) -> Caller:
    """Return the person at the console of the cluster's account and region."""
    return Caller(
        name=HAND,
        access_key_id=HAND,
        account=cluster.account,
        region=cluster.region,
        arn=f"arn:aws:iam::{cluster.account}:user/{HAND}",
        user_id=HAND,
    )


def resize(store: Store, cluster: str, node_pool: str, to: int) -> None:
    """Change desiredSize as a person does in the console: an UpdateNodegroupConfig like any other."""
    request = {"clusterName": cluster, "nodegroupName": node_pool, "scalingConfig": {"desiredSize": to}}
    caller = hand(store.by_name(cluster))
    call = Call(
        cloud=CLOUD,
        operation="UpdateNodegroupConfig",
        principal=HAND,
        cluster=cluster,
        pool=node_pool,
        arguments=request,
    )
    try:
        outcome = update_config(store, caller, request)
    except RefusedError as refused:
        store.lab.record(call, result=refused.code)
        raise
    store.lab.record(call, effective=outcome.effective, from_=outcome.from_, to=outcome.to)


def autoscale(store: Store, cluster: str, node_pool: str, to: int) -> Moved:
    """Move the Auto Scaling group as Cluster Autoscaler does. Raises ValidationError outside its range."""
    return move_group(store, _group(store, cluster, node_pool)[1], to)


def upgrade(store: Store, cluster: str, node_pool: str, seconds: float) -> None:
    """Replace every instance within these virtual seconds, holding the node group's lock."""
    _, group = _group(store, cluster, node_pool)
    refuse_unless_free(store, group, {"clusterName": cluster, "nodegroupName": node_pool})
    call = Call(cloud=CLOUD, operation="HandUpgrade", principal=HAND, cluster=cluster, pool=node_pool)
    target = Target(version=group.version, release=latest_release(group.version))
    roll(store, group, target, seconds, call)


def delete(store: Store, cluster: str, node_pool: str | None) -> None:
    """Take a node group (None: the cluster) away at once, whatever runs on it."""
    where = store.by_name(cluster)
    if node_pool is None:
        _drop(store, where)
        return
    group = _group(store, cluster, node_pool)[1]
    store.drop_nodegroup(where, group, spec_of(group))


def recreate(store: Store, cluster: str, node_pool: str | None) -> None:
    """Make a node group (None: the cluster) anew under its name: other ARN, other instances, all of them ready."""
    if node_pool is None:
        _recreate_cluster(store, cluster)
        return
    where = store.by_name(cluster)
    if node_pool in where.nodegroups:
        delete(store, cluster, node_pool)
    spec = store.gone.get((cluster, node_pool))
    for each in store.lab.seed.aws.clusters:
        for pool in each.nodegroups:
            if (each.name, pool.name) == (cluster, node_pool):
                spec = store.builder.seeded_spec(each, pool, where.account)
    if spec is None:
        message = f"No node group {node_pool} was ever in {cluster}."
        raise not_found(message, clusterName=cluster, nodegroupName=node_pool)
    watch(store, store.builder.filled(where, spec))


def _recreate_cluster(store: Store, name: str) -> None:
    for found in [each for each in store.all_clusters.values() if each.name == name]:
        _drop(store, found)
    seeds = [each for each in store.lab.seed.aws.clusters if each.name == name]
    if seeds:
        for seed in seeds:
            store.add(store.builder.seeded_cluster(seed))
        return
    if name not in store.gone_clusters:
        raise not_found(f"No cluster was ever called {name}.", clusterName=name)
    gone, specs = store.gone_clusters[name]
    again = store.builder.cluster(name, gone.account, gone.region, version=gone.version)
    again.role_arn, again.subnets, again.settings, again.tags = gone.role_arn, gone.subnets, gone.settings, gone.tags
    for spec in specs:
        store.builder.filled(again, spec)
    store.add(again)


def _drop(store: Store, cluster: Cluster) -> None:
    specs = tuple(spec_of(group) for group in cluster.nodegroups.values())
    for group, spec in zip(list(cluster.nodegroups.values()), specs, strict=True):
        store.drop_nodegroup(cluster, group, spec)
    store.drop_cluster(cluster, specs)


def _group(store: Store, cluster: str, node_pool: str) -> tuple[Cluster, Nodegroup]:
    where = store.by_name(cluster)
    group = where.nodegroups.get(node_pool)
    if group is None:
        message = f"No node group found for name: {node_pool}."
        raise not_found(message, clusterName=cluster, nodegroupName=node_pool)
    return where, group
