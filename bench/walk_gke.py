"""The GKE walk, with google-cloud-container and google-auth alone: `python -m bench.walk_gke [FILE with the document]`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from bench.walking import expect, run, wait_until
from google.api_core.exceptions import GoogleAPICallError
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport
from google.oauth2 import service_account

LOCATION = "projects/shop-prod-1/locations/europe-west1"
WEB = f"{LOCATION}/clusters/shop-prod/nodePools/web"
TO = 3
ZONES = 3


def refused(call: Callable[[], object]) -> str:
    """Return the code (and the reason, if any) that a call is refused with, "accepted" when it is not."""
    try:
        call()
    except GoogleAPICallError as error:
        code = "none" if error.grpc_status_code is None else str(error.grpc_status_code.name)
        return f"{code} {error.reason}" if error.reason else code
    return "accepted"


def walk(document: dict[str, Any]) -> None:
    """Refusals that change nothing, a second resize meanwhile, the operation, the instances of every zone."""
    key = document["credentials"]["gcp"]
    scope = "https://www.googleapis.com/auth/cloud-platform"
    credentials: Any = service_account.Credentials.from_service_account_info(key, scopes=[scope])
    trust = grpc.ssl_channel_credentials(Path(document["gke"]["caFile"]).read_bytes())
    plugin = grpc.metadata_call_credentials(AuthMetadataPlugin(credentials, Request()))
    channel = grpc.secure_channel(document["gke"]["grpc"], grpc.composite_channel_credentials(trust, plugin))
    session = AuthorizedSession(credentials)
    with channel, session:
        _walk(ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=channel)), session, document)


def _walk(gke: Any, session: AuthorizedSession, document: dict[str, Any]) -> None:
    def resize(count: int, name: str = WEB) -> Any:
        return gke.set_node_pool_size(request={"name": name, "node_count": count})

    before = gke.get_node_pool(name=WEB)
    expect(refused(lambda: resize(-1)), "INVALID_ARGUMENT", "-1 nodes a zone")
    expect(refused(lambda: resize(1001)), "INVALID_ARGUMENT", "1001 nodes a zone")
    expect(refused(lambda: resize(2, WEB.replace("web", "nobody"))), "NOT_FOUND", "an unknown node pool")
    expect(gke.get_node_pool(name=WEB) == before, True, "the pool after the refusals is the one before")

    operation = resize(TO)
    code = refused(lambda: resize(TO + 1))
    expect(code, "FAILED_PRECONDITION CLUSTER_ALREADY_HAS_OPERATION", "a second resize meanwhile")
    name = f"{LOCATION}/operations/{operation.name}"
    wait_until(lambda: gke.get_operation(name=name).status.name == "DONE", "the operation is DONE")
    expect(gke.get_operation(name=name).error.code, 0, "the operation's error")

    root = f"{document['compute']['url']}/compute/v1"
    urls = [root + url.removeprefix("https://www.googleapis.com/compute/v1") for url in before.instance_group_urls]

    def groups() -> list[dict[str, Any]]:
        return [session.get(url).json() for url in urls]

    wait_until(
        lambda: all(group["status"]["isStable"] and group["targetSize"] == TO for group in groups()),
        f"{TO} instances in each of {ZONES} zones",
    )
    expect(sum(group["targetSize"] for group in groups()), TO * ZONES, "nodes of the pool")
    expect(gke.get_node_pool(name=WEB).initial_node_count, TO, "initialNodeCount")


if __name__ == "__main__":
    sys.exit(run(walk))
