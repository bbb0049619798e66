"""GKE and Compute over REST. A pool's real size is that of its instance groups; GKE itself tells only its first."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.scenarios.reference.door import PoolName, Seen, Wished
from multicloud_lab.scenarios.reference.http import Answer, DoubtError, GoneError, Http, Json, WaitError, retry_after_s

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
BUSY = frozenset({"PROVISIONING", "RECONCILING", "STOPPING"})


class GkeDoor:
    """Node pools of one project."""

    def __init__(self, document: Mapping[str, Any], http: Http) -> None:
        """Log in with the document's service-account key."""
        self._gke = str(document["gke"]["rest"])
        self._compute = str(document["compute"]["url"])
        self._own = document["credentials"]["gcp"]
        self._places = {each["name"]: each["location"] for each in document["clusters"] if each["cloud"] == "gcp"}
        self._http = http
        self._token: str | None = None

    def look(self, pool: PoolName) -> Seen:
        """Return the node pool with the sum of its instance groups."""
        body = self.read(pool)
        groups = [
            self._call("GET", f"{self._compute}{urlsplit(url).path}").body for url in body.get("instanceGroupUrls", [])
        ]
        return Seen(
            size=sum(group["targetSize"] for group in groups),
            ready=sum(group["currentActions"].get("none", 0) for group in groups),
            busy=body["status"] in BUSY,
            raw={"zones": len(groups)},
        )

    def survey(self, pools: Sequence[PoolName]) -> Mapping[PoolName, Seen]:
        """Return what each cluster's list says of its pools, with the project's instance groups of one list."""
        groups = self._all_groups()
        seen: dict[PoolName, Seen] = {}
        for cluster in dict.fromkeys(pool.cluster for pool in pools):
            for body in self.read_all(cluster):
                own = [groups[url] for url in body.get("instanceGroupUrls", []) if url in groups]
                seen[PoolName(cluster=cluster, node_pool=body["name"])] = Seen(
                    size=sum(group["targetSize"] for group in own),
                    ready=sum(group["currentActions"].get("none", 0) for group in own),
                    busy=body["status"] in BUSY,
                )
        return {pool: seen[pool] for pool in pools if pool in seen}

    def resize(self, pool: PoolName, wished: Wished, token: str, seen: Seen) -> None:  # noqa: ARG002  (GKE knows no tokens)
        """Ask for a size per zone."""
        self.write(pool, wished.to // max(seen.raw["zones"], 1))

    def read(self, pool: PoolName) -> Json:
        """Return the pool's JSON (GetNodePool). Raises DoubtError, WaitError, GoneError."""
        return self._call("GET", f"{self._gke}/v1/{self.name(pool)}").body

    def read_all(self, cluster: str) -> list[Json]:
        """Return the JSON of a cluster's pools (ListNodePools). Raises DoubtError, WaitError, GoneError."""
        body = self._call("GET", f"{self._gke}/v1/{self.cluster(cluster)}/nodePools").body
        pools: list[Json] = body.get("nodePools", [])
        return pools

    def write(self, pool: PoolName, node_count: int) -> None:
        """Ask for nodes per zone (SetNodePoolSize). Raises DoubtError, WaitError, GoneError."""
        body = json.dumps({"nodeCount": node_count}).encode()
        self._call("POST", f"{self._gke}/v1/{self.name(pool)}:setSize", body)

    def name(self, pool: PoolName) -> str:
        """Return the pool's full name."""
        return f"{self.cluster(pool.cluster)}/nodePools/{pool.node_pool}"

    def cluster(self, name: str) -> str:
        """Return the cluster's full name."""
        return f"projects/{self._own['project_id']}/locations/{self._places[name]}/clusters/{name}"

    def token(self) -> str:
        """Return an access token, one for all calls until it is refused. Raises DoubtError."""
        if self._token is None:
            self._token = self._login()
        return self._token

    def forget_token(self) -> None:
        """Log in anew before the next call."""
        self._token = None

    def _all_groups(self) -> dict[str, Json]:
        """Return the project's instance group managers by their self link, page after page."""
        url = f"{self._compute}/compute/v1/projects/{self._own['project_id']}/aggregated/instanceGroupManagers"
        found: dict[str, Json] = {}
        more = ""
        while True:
            body = self._call("GET", f"{url}?{urlencode({'pageToken': more})}" if more else url).body
            for scope in body.get("items", {}).values():
                found.update({group["selfLink"]: group for group in scope.get("instanceGroupManagers", [])})
            more = str(body.get("nextPageToken", ""))
            if not more:
                return found

    def _call(self, method: str, url: str, body: bytes = b"") -> Answer:
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        answer = self._http.send(method, url, headers, body)
        if answer.status == 404:
            raise GoneError(url)
        if answer.status == 401:
            self.forget_token()
        if answer.status >= 400:
            error = answer.body.get("error", {})
            after_s = max(retry_after_s(answer), retry_delay_s(error.get("details", [])))
            raise WaitError(f"{error.get('status')}: {error.get('message')}", after_s)
        return answer

    def _login(self) -> str:
        now = int(wall_time_s())
        claims = {
            "iss": self._own["client_email"],
            "aud": self._own["token_uri"],
            "iat": now,
            "exp": now + 3600,
            "scope": SCOPE,
        }
        signing = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
        key = serialization.load_pem_private_key(str(self._own["private_key"]).encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        proof = key.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
        form = {"grant_type": GRANT, "assertion": f"{signing}.{_text(proof)}"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._http.send("POST", str(self._own["token_uri"]), headers, urlencode(form).encode())
        if answer.status != 200:
            raise DoubtError(f"no token: {answer.body.get('error')}")
        return str(answer.body["access_token"])


def retry_delay_s(details: list[dict[str, str]]) -> float:
    """Return what a RetryInfo among an error's details says, in seconds; 0 without one."""
    return max((float(each["retryDelay"].rstrip("s")) for each in details if "retryDelay" in each), default=0.0)


def _part(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
