"""AKS over ARM's REST: a whole agent pool is read, one number changed, and put back with the etag it was read with."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from multicloud_lab.scenarios.reference.door import PoolName, Seen, Wished
from multicloud_lab.scenarios.reference.http import Answer, DoubtError, GoneError, Http, WaitError, retry_after_s

VERSION = "2026-08-01"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = "shop"
TERMINAL = frozenset({"Succeeded", "Failed", "Canceled"})
READ_ONLY = frozenset(
    {
        "currentOrchestratorVersion",
        "eTag",
        "nodeImageVersion",
        "powerState",
        "provisioningState",
        "status",
        "virtualMachineNodesStatus",
    }
)
"""What must not be sent back: a node image version that is sent asks for that image."""


def _root(cluster: str) -> str:
    """Return a cluster's path."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    return f"{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}"


class AksDoor:
    """Agent pools of one subscription and resource group."""

    def __init__(self, document: Mapping[str, Any], http: Http) -> None:
        """Log in with the document's client secret."""
        self._arm = document["arm"]
        self._own = document["credentials"]["azure"]
        self._http = http
        self._token: str | None = None

    def look(self, pool: PoolName) -> Seen:
        """Return the agent pool; its nodes are its machines."""
        properties = self.call("GET", self._path(pool)).body["properties"]
        state = properties["provisioningState"]
        machines = self.call("GET", f"{self._path(pool)}/machines").body["value"]
        return Seen(
            size=properties["count"],
            ready=len(machines),
            busy=state not in TERMINAL,
            failed=state in {"Failed", "Canceled"},
            raw=properties,
        )

    def survey(self, pools: Sequence[PoolName]) -> Mapping[PoolName, Seen]:
        """Return what each cluster's list says of its pools; a pool that stands as wished has as many machines."""
        seen: dict[PoolName, Seen] = {}
        for cluster in dict.fromkeys(pool.cluster for pool in pools):
            for each in self.call("GET", f"{_root(cluster)}/agentPools").body["value"]:
                properties = each["properties"]
                state = properties["provisioningState"]
                seen[PoolName(cluster=cluster, node_pool=each["name"])] = Seen(
                    size=properties["count"],
                    ready=properties["count"],
                    busy=state not in TERMINAL,
                    failed=state in {"Failed", "Canceled"},
                )
        return {pool: seen[pool] for pool in pools if pool in seen}

    def resize(self, pool: PoolName, wished: Wished, token: str, seen: Seen) -> None:  # noqa: ARG002  (ARM knows no tokens)
        """Put the pool back with another count, if nobody changed it since."""
        properties = {name: value for name, value in seen.raw.items() if name not in READ_ONLY}
        body = json.dumps({"properties": {**properties, "count": wished.to}}).encode()
        self.call("PUT", self._path(pool), body, {"If-Match": seen.raw["eTag"]})

    def _path(self, pool: PoolName) -> str:
        return f"{_root(pool.cluster)}/agentPools/{pool.node_pool}"

    def call(self, method: str, path: str, body: bytes = b"", more: Mapping[str, str] | None = None) -> Answer:
        """Send a request to ARM. Raises DoubtError, WaitError, GoneError."""
        headers = {"Authorization": f"Bearer {self._login()}", "Content-Type": "application/json", **(more or {})}
        answer = self._http.send(method, f"{self._arm['url']}{path}?api-version={VERSION}", headers, body)
        if answer.status == 404:
            raise GoneError(path)
        if answer.status == 401:
            self._token = None
        if answer.status >= 400:
            error = answer.body.get("error", answer.body)
            why = f"{error.get('code')}: {error.get('message')}"
            raise WaitError(why, retry_after_s(answer), stale=answer.status == 412)
        return answer

    def _login(self) -> str:
        if self._token is None:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._own["clientId"],
                "client_secret": self._own["clientSecret"],
                "scope": "https://management.azure.com/.default",
            }
            url = f"{str(self._arm['authority']).rstrip('/')}/{self._own['tenantId']}/oauth2/v2.0/token"
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._http.send("POST", url, headers, urlencode(form).encode())
            if answer.status != 200:
                raise DoubtError(f"no token: {answer.body.get('error')}")
            self._token = str(answer.body["access_token"])
        return self._token
