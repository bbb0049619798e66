"""What our identity may do on AKS. Reads are proved by making them, the write by ARM's own list of permissions."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import uuid4

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from multicloud.clouds.aks.errors import of_exception
from multicloud.clouds.aks.facts import claim_of
from multicloud.clouds.aks.pipeline import Arm
from multicloud.clouds.aks.policy import (
    READ_CLUSTERS,
    READ_CREDENTIALS,
    READ_MACHINES,
    READ_OPERATIONS,
    READ_PERMISSIONS,
    READ_POOLS,
    WRITE_POOLS,
)
from multicloud.clouds.aks.pools import GARBAGE, OPERATION_API
from multicloud.clouds.proof import by_use
from multicloud.model.error import Unavailable
from multicloud.model.permission import Need, Permission
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import NodePoolRef

PERMISSIONS_API: Final = "2022-04-01"

T = TypeVar("T")

Grant = Mapping[str, Any]
"""One entry of ARM's list: actions of a role, with what it takes from them."""


class AksProbe:
    """The port Probe on ARM."""

    def __init__(self, arm: Arm) -> None:
        """Use the account's clients."""
        self._arm = arm

    def probe(self, pool: NodePoolRef) -> Sequence[Permission]:
        """As the port says; seven calls, and one for each further page of ARM's list."""
        cluster, client = pool.cluster, self._arm.client(pool.cluster.owner)
        clusters, found = _by_use(READ_CLUSTERS, lambda: client.managed_clusters.get(cluster.group, cluster.name))
        way_in, _ = _by_use(
            READ_CREDENTIALS,
            lambda: client.managed_clusters.list_cluster_user_credentials(cluster.group, cluster.name, format="exec"),
        )
        permissions, grants = _by_use(READ_PERMISSIONS, lambda: self._grants(pool))
        pools, _ = _by_use(READ_POOLS, lambda: list(client.agent_pools.list(cluster.group, cluster.name)))
        machines, _ = _by_use(READ_MACHINES, lambda: list(client.machines.list(cluster.group, cluster.name, pool.name)))
        return [
            pools,
            machines,
            _by_grants(WRITE_POOLS, grants),
            self._operations(pool, found.location if found is not None else None),
            clusters,
            way_in,
            permissions,
        ]

    def _operations(self, pool: NodePoolRef, location: str | None) -> Permission:
        if not location:
            why = "asked for in the cluster's location, which could not be read"
            return Permission(need=READ_OPERATIONS, granted=None, why=why)
        root = f"/subscriptions/{quote(pool.cluster.owner, safe='')}/providers/Microsoft.ContainerService"
        path = f"{root}/locations/{quote(location, safe='')}/operations/{uuid4()}?api-version={OPERATION_API}"
        return _by_use(READ_OPERATIONS, lambda: self._get(pool, self._arm.url + path))[0]

    def _grants(self, pool: NodePoolRef) -> Sequence[Grant]:
        """What ARM says that we may do on the agent pool, over all pages of the list. Raises what the SDK raises."""
        path = f"{claim_of(pool.cluster, pool.name)}/providers/Microsoft.Authorization/permissions"
        url: str | None = f"{self._arm.url}{path}?api-version={PERMISSIONS_API}"
        found: list[Grant] = []
        asked: set[str] = set()
        while url:
            # A page elsewhere would receive our token, one that was there already would never end.
            if url in asked or not url.startswith(f"{self._arm.url}/"):
                text = f"trying {READ_PERMISSIONS.name}: ARM names a next page that cannot be one"
                raise Unavailable(Reason(code=Code.UNEXPECTED, text=text))
            asked.add(url)
            page = self._get(pool, url)
            found += [dict(grant) for grant in page["value"]]
            url = page.get("nextLink")
        return found

    def _get(self, pool: NodePoolRef, url: str) -> Mapping[str, Any]:
        response = self._arm.client(pool.cluster.owner).send_request(HttpRequest("GET", url))
        if response.status_code >= 300:
            raise HttpResponseError(response=response)
        body: Mapping[str, Any] = response.json()
        return body


def _by_use(need: Need, use: Callable[[], T]) -> tuple[Permission, T | None]:
    def typed() -> T:
        try:
            return use()
        except GARBAGE as error:
            raise of_exception(error, f"trying {need.name}", write=False) from None

    return by_use(need, typed)


def _by_grants(need: Need, grants: Sequence[Grant] | None) -> Permission:
    """Judge by ARM's list, if it was told: each entry allows what its actions name and its notActions do not."""
    if grants is None:
        why = f"ARM tells it to who has {READ_PERMISSIONS.name}, of an agent pool that is there"
        return Permission(need=need, granted=None, why=why)
    if any(
        _names(grant.get("actions"), need.name) and not _names(grant.get("notActions"), need.name) for grant in grants
    ):
        return Permission(need=need, granted=True)
    return Permission(need=need, granted=False, why="no role assigned to us on the agent pool has it, says ARM")


def _names(patterns: Sequence[str] | None, action: str) -> bool:
    """True if one of the patterns fits; a star stands for anything, capitals are the same as small letters."""
    return any(
        re.fullmatch(".*".join(map(re.escape, str(pattern).split("*"))), action, re.IGNORECASE)
        for pattern in patterns or ()
    )
