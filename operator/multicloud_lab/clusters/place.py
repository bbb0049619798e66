"""Which cluster is meant, and the machines that it has just now.

Paths of the listener name a place; `Fleet` finds the engines' groups of machines for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.lab import Lab, MachineGroup
from multicloud_lab.core.members import member_path
from multicloud_lab.core.seed import Seed

FRESH_S = 10.0
"""How long the list of groups is kept, virtual seconds; a new group's first machine takes longer to boot."""

LARGE = 2000
"""From so many groups on, listing them takes so long that it is done at most every LARGE_FRESH_S."""
LARGE_FRESH_S = 5.0
"""How long a large fleet's list is kept whatever happens, real seconds: its new pools show their nodes that late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cluster: account is the AWS account, the Azure subscription, the Google project."""

    cloud: str
    account: str
    location: str
    cluster: str

    @property
    def path(self) -> str:
        """Where its API starts on the listener."""
        return member_path(self.cloud, self.account, self.location, self.cluster)


class Fleet:
    """The groups of machines by cluster. Listing all of a large fleet for each request would be slow."""

    def __init__(self, lab: Lab) -> None:
        """Look at this lab's engines."""
        self._lab = lab
        self._groups: Mapping[Place, Sequence[MachineGroup]] = {}
        self._at_s: float | None = None
        self._large_until_s = 0.0
        self._journal = 0

    def forget(self) -> None:
        """Look anew at the next question."""
        self._at_s = None
        self._large_until_s = 0.0

    def knows(self, place: Place) -> bool:
        """Say whether the cluster exists: it has pools, or the seed gave it none."""
        self._look()
        return place in self._groups or place in _without_pools(self._lab.seed)

    def groups(self, place: Place) -> Sequence[MachineGroup]:
        """Return the cluster's groups."""
        self._look()
        return self._groups.get(place, ())

    def find(self, cloud: str, cluster: str) -> list[Place]:
        """Return the clusters of a cloud that have this name."""
        self._look()
        return [place for place in self._groups if (place.cloud, place.cluster) == (cloud, cluster)]

    def _look(self) -> None:
        now_s, journal = self._lab.clock.now(), self._lab.journal
        done = journal.entries(self._journal)
        self._journal = len(journal)
        is_fresh = self._at_s is not None and self._at_s <= now_s < self._at_s + FRESH_S
        if is_fresh and not any(entry.effective for entry in done):
            return
        if self._large_until_s and wall_time_s() < self._large_until_s:
            return
        self._at_s = now_s
        groups = self._lab.machines()
        self._groups = _by_place(groups)
        self._large_until_s = wall_time_s() + LARGE_FRESH_S if len(groups) >= LARGE else 0.0


def _by_place(groups: Iterable[MachineGroup]) -> dict[Place, list[MachineGroup]]:
    places: dict[Place, list[MachineGroup]] = {}
    for group in groups:
        place = Place(cloud=group.cloud, account=group.account, location=group.location, cluster=group.cluster)
        places.setdefault(place, []).append(group)
    return places


def _without_pools(seed: Seed) -> set[Place]:
    found = {
        Place(cloud="aws", account=each.account or seed.aws.account, location=each.region, cluster=each.name)
        for each in seed.aws.clusters
        if not each.nodegroups
    }
    found |= {
        Place(
            cloud="azure",
            account=each.subscription_id or seed.azure.subscription_id,
            location=each.location,
            cluster=each.name,
        )
        for each in seed.azure.clusters
        if not each.pools
    }
    return found | {
        Place(cloud="gcp", account=each.project or seed.gcp.project, location=each.location, cluster=each.name)
        for each in seed.gcp.clusters
        if not each.pools
    }
