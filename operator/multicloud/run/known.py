"""What stages ask of each other's knowledge: our objects as the store has them, and member clusters as they were seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from multicloud.model.account import AccountObject
from multicloud.model.member import MemberLoad
from multicloud.model.plan import PolicyWish
from multicloud.model.pods import Pending
from multicloud.model.port import Clock
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import PolicyObject, PoolObject
from multicloud.observe.insides import Insides
from multicloud.observe.loads import member_loads
from multicloud.observe.waiting import counts_pods, pending_pods
from multicloud.watch.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Our objects."""

    store: Store

    def account(self, key: ObjectKey) -> AccountObject | None:
        """The account of that key."""
        return self.store.account(key.namespace, key.name)

    def wish(self, pool: ObjectKey) -> PolicyWish | None:
        """What the policy that decides for a pool wishes; None for a pool without one."""
        works = self._deciding(pool)
        if works is None:
            return None
        known = works.record
        return PolicyWish(name=works.key.name, units=known.desired, floors=known.history.floors, most=known.most)

    def crowding(self) -> Sequence[PoolObject]:
        """Pools of which the policy counts the pods that wait."""
        return [pool for pool in self.store.pools() if counts_pods(self._deciding(pool.key))]

    def _deciding(self, pool: ObjectKey) -> PolicyObject | None:
        return next(iter(self.store.policies_of(pool)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownInside:
    """Member clusters of our pools, for the metrics that are read there. A pool that went has none."""

    known: Known
    insides: Insides
    clock: Clock

    def loads(self, pool: ObjectKey) -> Sequence[MemberLoad]:
        """What runs on the members' nodes."""
        found = self.known.store.pool(pool)
        return member_loads(found, self.insides, self.known.account) if found else ()

    def pending(self, pool: ObjectKey) -> Pending:
        """What waits for a node in the members' clusters."""
        found = self.known.store.pool(pool)
        if found is None:
            return Pending(clusters=())
        return pending_pods(found, self.known.crowding, self.insides, self.known.account, self.clock.now())
