"""Whether a scaling policy may decide for its pool, and how the pool stands for it. Read from the store's objects alone."""

from multicloud.model.policy import PoolStanding
from multicloud.model.reason import Code, Reason
from multicloud.model.spec import PolicyObject, PoolObject


def pool_standing(pool: PoolObject) -> PoolStanding | None:
    """The pool as a policy's decision sees it; None before the pool's own first decision, or where its spec is no help."""
    spec, record = pool.spec, pool.record
    if spec is None or record.desired is None:
        return None
    observed = next((each.status for each in record.conditions if each.type == "Observed"), None)
    return PoolStanding(
        current=record.desired,
        ready=record.ready,
        ready_known=record.ready is not None and observed is True,
        low=spec.min_replicas,
        high=spec.max_replicas,
    )


def no_standing(policy: PolicyObject, pool: PoolObject | None) -> Reason:
    """Why there is nothing to decide for."""
    if pool is None:
        name = policy.pool.name if policy.pool else ""
        text = (
            f"MultiCloudPool {name} does not exist in this namespace; create it, or create the policy for another one"
        )
        return Reason(code=Code.POOL_NOT_FOUND, text=text)
    text = f"MultiCloudPool {pool.key.name} has not decided on a number of its own yet; look at its conditions"
    return Reason(code=Code.POOL_NOT_OBSERVED, text=text)


def another_works(works: PolicyObject) -> Reason:
    """Why this policy decides nothing for a pool that has an older one."""
    text = f"ScalingPolicy {works.key.name} is older and decides for the same pool; delete one of them"
    return Reason(code=Code.ANOTHER_POLICY, text=text)
