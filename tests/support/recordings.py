"""Recordings of `multicloud check`: made on the lab, played back through the vendors' SDKs.

`python -m support.recordings` (with operator and tests on the path) writes the files of tests/clouds/recordings anew.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from google.cloud.container_v1.types import cluster_service as messages

from multicloud.clouds.aks import door as aks
from multicloud.clouds.eks import door as eks
from multicloud.clouds.gke import door as gke
from multicloud.model.account import AwsAccount, AzureAccount, GcpAccount
from multicloud.model.port import CloudDoor
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef
from multicloud.settings import AwsEndpoints, AzureEndpoints, Endpoint, GcpEndpoints
from multicloud_lab.core.tls import Tls
from multicloud_lab.thread import LabThread
from support.awsdoor import KEYS
from support.azuredoor import CLIENT, SECRET, TENANT, Fence, serve_entra
from support.checking import bench
from support.clouds import GROUNDS
from support.googledoor import ClusterManager, Fault, key_json
from support.vendor import Answer, Seen, Vendor, certificates

FILES = Path(__file__).parents[1] / "clouds" / "recordings"
MOVING_S = 40
"""Virtual seconds after a hand's resize at which a recording is made: some nodes are there, others are booting."""

Account = Mapping[str, Any]
_ANSWERS: Mapping[str, Any] = {
    "ListNodePools": messages.ListNodePoolsResponse,
    "ListOperations": messages.ListOperationsResponse,
}


class Replay(Vendor):
    """Answers what was recorded to a request that is the same in method, path, query and body; API by API."""

    def __init__(self, tls: Tls | None, account: Account) -> None:
        super().__init__(tls)
        self._calls = [call for call in account["calls"] if call["method"] != "gRPC"]

    def _next(self, seen: Seen) -> Answer:
        url = urlsplit(seen.path)
        service, _, path = unquote(url.path).removeprefix("/").partition("/")
        for call in self._calls:
            asked = (call["service"], call["method"], call["path"], call["query"], call["sent"])
            if asked == (service, seen.method, f"/{path}", dict(parse_qsl(url.query)), _sent(seen.body)):
                answer = call["answer"]
                raw = answer.encode() if isinstance(answer, str) else None
                return Answer(status=call["status"], body=answer, raw=raw, headers=_headers(call))
        return super()._next(seen)


def _sent(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode()))


def _headers(call: Mapping[str, Any]) -> Mapping[str, str]:
    return {"Content-Type": call["headers"]["content-type"]}


def node_pools(account: Account) -> Sequence[NodePoolRef]:
    """The node pools that a recording is about."""
    cloud = Cloud(account["provider"])
    return [
        NodePoolRef(
            cluster=ClusterRef(
                cloud=cloud,
                owner=pool["owner"],
                group=pool["group"],
                location=pool["location"],
                name=pool["cluster"],
            ),
            name=pool["nodePool"],
        )
        for pool in account["nodePools"]
    ]


@contextmanager
def replayed(account: Account, tls: Tls) -> Iterator[CloudDoor]:
    """A door whose cloud answers as recorded."""
    cloud = Cloud(account["provider"])
    with ExitStack() as stack:
        vendor = stack.enter_context(Replay(tls if cloud is Cloud.AZURE else None, account))
        match cloud:
            case Cloud.AWS:
                at = {name: Endpoint(url=f"{vendor.url}/{name}") for name in ("eks", "autoscaling", "sts")}
                yield eks.open_door(AwsAccount(), KEYS, AwsEndpoints(**at), before_send=Fence(), call_timeout_s=10)
            case Cloud.AZURE:
                serve_entra(vendor)
                known = AzureAccount(
                    tenant_id=TENANT, client_id=CLIENT, subscription_id=account["nodePools"][0]["owner"]
                )
                azure = AzureEndpoints(
                    arm=Endpoint(url=f"{vendor.url}/arm", ca_file=tls.ca_file),
                    authority=Endpoint(url=vendor.url, ca_file=tls.ca_file),
                )
                secret = {"clientSecret": SECRET.encode()}
                yield aks.open_door(known, secret, azure, before_send=Fence(), call_timeout_s=10)
            case Cloud.GCP:
                grpc = stack.enter_context(ClusterManager(tls))
                _script(grpc, account)
                vendor.answer("POST", "/token", Answer(body={"access_token": "opaque", "expires_in": 3600}))
                google = GcpEndpoints(
                    container=Endpoint(url=f"https://127.0.0.1:{grpc.port}", ca_file=tls.ca_file),
                    compute=Endpoint(url=f"{vendor.url}/compute"),
                    token=Endpoint(url=f"{vendor.url}/token"),
                )
                secret = {"key.json": json.dumps(key_json(f"{vendor.url}/token")).encode()}
                project = account["nodePools"][0]["owner"]
                yield gke.open_door(GcpAccount(project=project), secret, google, before_send=Fence(), call_timeout_s=10)


def _script(grpc: ClusterManager, account: Account) -> None:
    for call in account["calls"]:
        method = call["path"].rpartition("/")[2]
        if call["method"] != "gRPC" or method not in _ANSWERS:
            continue
        cluster = str(call["sent"].get("parent", "")).rpartition("/")[2]
        worked = call["status"] == "OK"
        answer = _ANSWERS[method].from_json(json.dumps(call["answer"])) if worked else Fault(code=call["status"])
        grpc.answer(method, answer, cluster=cluster)


def record(lab: LabThread, cloud: Cloud, directory: Path) -> dict[str, Any]:
    """What the command records of a cloud of the lab, one of whose pools is moving."""
    ground = next(each for each in GROUNDS if each.cloud is cloud)
    ground.hand(lab, 7)
    lab.advance(MOVING_S)
    with bench(lab, directory) as made:
        made.given_cloud(cloud)
        file = directory / f"{cloud}.json"
        said = made.check(f"--record={file}")
        assert said.exit_code == 0, said.output
        content: dict[str, Any] = json.loads(file.read_text())
        return content


def main(directory: Path) -> None:
    for cloud in Cloud:
        with LabThread() as lab, TemporaryDirectory() as place:
            content = record(lab, cloud, Path(place))
            (directory / f"{cloud}.json").write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILES)

__all__ = ["certificates", "node_pools", "record", "replayed"]
