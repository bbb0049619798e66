"""What the members of a pool carry, for the metrics of scaling policies. Read from what is known, nothing is asked anew."""

from collections.abc import Callable, Sequence

from multicloud.model.account import AccountObject
from multicloud.model.member import MemberLoad
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import PoolObject
from multicloud.observe.insides import Insides
from multicloud.observe.observer import account_of


def member_loads(
    pool: PoolObject, insides: Insides, account: Callable[[ObjectKey], AccountObject | None]
) -> Sequence[MemberLoad]:
    """The members that have a node pool of their own, each with its load as far as its cluster shows it."""
    loads = []
    for member in pool.spec.members if pool.spec else ():
        key, record = account_of(pool.key, member), pool.record.member(member.name)
        found = account(key)
        if found is None or found.spec is None or record.claim is None:
            continue
        node_pool = member.located(found.spec)
        loads.append(
            MemberLoad(
                member=member.name,
                cluster=node_pool.cluster,
                units_per_node=member.units_per_node,
                ready_units=(record.ready or 0) * member.units_per_node,
                load=insides.load(key, member, node_pool),
            )
        )
    return loads
