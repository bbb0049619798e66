"""Which member owns which node pool. Filled from statuses at the barrier, then by proven reads; asked by `observer`.

The key is the cloud's own identity of the pool, known only from a read, so an account must have *seen* a pool to claim
it. The first proven claim wins. One process decides, so a claim in memory is as good as one in status: status is
written before any cloud call.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import PoolObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A member of one life (uid) of a pool object."""

    pool: ObjectKey
    uid: str
    member: str


class Claims:
    """The book of owners."""

    def __init__(self) -> None:
        """Empty until `seed`."""
        self._owners: dict[str, Owner] = {}
        self._losers: dict[str, set[ObjectKey]] = {}
        self._freed: set[ObjectKey] = set()

    def seed(self, pools: Iterable[PoolObject]) -> None:
        """Take the claims that statuses remember; of two, the older wins, then the lower uid."""
        remembered = [
            (member.claim.since, pool.uid, member.claim.key, Owner(pool=pool.key, uid=pool.uid, member=member.name))
            for pool in pools
            for member in pool.record.members
            if member.claim is not None
        ]
        for _, _, key, owner in sorted(remembered, key=lambda claim: claim[:3]):
            self._owners.setdefault(key, owner)

    def take(self, key: str, owner: Owner) -> Reason | None:
        """Claim a node pool for a member; None when it is (now) its own, else why not."""
        winner = self._owners.setdefault(key, owner)
        if winner == owner:
            return None
        self._losers.setdefault(key, set()).add(owner.pool)
        if winner.pool.namespace != owner.pool.namespace:
            where = "a MultiCloudPool of another namespace"
        elif winner.pool == owner.pool:
            where = f"member {winner.member} of this pool"
        else:
            where = f"member {winner.member} of MultiCloudPool {winner.pool.name}"
        return Reason(code=Code.NODE_POOL_CLAIMED, text=f"the node pool already belongs to {where}; remove one of them")

    def leave(self, key: str, owner: Owner) -> None:
        """A member is one node pool, and this one: what it claimed before it was edited to name it is free."""
        if self._owners.get(key) == owner:
            return
        for left in [known for known, named in self._owners.items() if named == owner and known != key]:
            self._freed |= self._release(left)

    def keep_only(self, pool: ObjectKey, uid: str, members: frozenset[str]) -> set[ObjectKey]:
        """Release what a pool object no longer names; returns the pools that waited for it."""
        left = [
            key
            for key, owner in self._owners.items()
            if owner.pool == pool and (owner.uid != uid or owner.member not in members)
        ]
        waiting = set[ObjectKey]().union(*map(self._release, left))
        return waiting - {pool}

    def freed(self) -> set[ObjectKey]:
        """The pools that waited for what `leave` released since this was last asked."""
        freed, self._freed = self._freed, set()
        return freed

    def _release(self, key: str) -> set[ObjectKey]:
        del self._owners[key]
        return self._losers.pop(key, set())
