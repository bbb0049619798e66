"""The lab's careful client with Google's SDK for its calls of GKE: `python -m support.gkeclient grpc|sdk-rest`.

It logs in and reads Compute as the client of the lab does, and asks as often, so its journals must be the same.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import (
    ClusterManagerGrpcTransport,
    ClusterManagerRestTransport,
)
from google.cloud.container_v1.types import cluster_service as cs
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types

from multicloud_lab.scenarios.reference.door import Door, PoolName
from multicloud_lab.scenarios.reference.gke import GkeDoor, retry_delay_s
from multicloud_lab.scenarios.reference.http import DoubtError, GoneError, Http, Json, WaitError
from multicloud_lab.scenarios.reference.serving import doors, serve

FOREIGN = (requests.RequestException, json_format.ParseError, ValueError)
"""What the SDK's REST transport lets through of an answer that is none."""


class SdkDoor(GkeDoor):
    """The same door with a client of google-cloud-container inside."""

    def __init__(self, document: Json, client: ClusterManagerClient, timeout_s: float) -> None:
        super().__init__(document, Http(timeout_s))
        self._client = client
        self._timeout_s = timeout_s

    def read(self, pool: PoolName) -> Json:
        request = cs.GetNodePoolRequest(name=self.name(pool))
        body: Json = json_format.MessageToDict(cs.NodePool.pb(self._ask(self._client.get_node_pool, request)))
        if "name" not in body:
            raise DoubtError("an empty message is no node pool")
        return body

    def read_all(self, cluster: str) -> list[Json]:
        request = cs.ListNodePoolsRequest(parent=self.cluster(cluster))
        answer = self._ask(self._client.list_node_pools, request)
        pools: list[Json] = json_format.MessageToDict(cs.ListNodePoolsResponse.pb(answer)).get("nodePools", [])
        return pools

    def write(self, pool: PoolName, node_count: int) -> None:
        request = cs.SetNodePoolSizeRequest(name=self.name(pool), node_count=node_count)
        self._ask(self._client.set_node_pool_size, request)

    def _ask(self, method: Callable[..., Any], request: Any) -> Any:
        login = [("authorization", f"Bearer {self.token()}")]
        try:
            return method(request=request, retry=None, timeout=self._timeout_s, metadata=login)
        except GoogleAPICallError as error:
            raise self._said(error) from error
        except GoogleAuthError as error:  # REST: a 401 makes the session ask its credentials for another token
            self.forget_token()
            raise WaitError(str(error)) from error
        except FOREIGN as error:
            raise DoubtError(str(error)) from error

    def _said(self, error: GoogleAPICallError) -> Exception:
        status = int(error.code or 500)
        if status == 404:
            return GoneError(str(error))
        if status == 401:
            self.forget_token()
        if status >= 500:
            return DoubtError(str(error))
        details = [each if isinstance(each, dict) else json_format.MessageToDict(each) for each in error.details]
        return WaitError(str(error), retry_delay_s(details))


def over_grpc(document: Json) -> ClusterManagerClient:
    tls = grpc.ssl_channel_credentials(Path(document["gke"]["caFile"]).read_bytes())
    channel = grpc.secure_channel(document["gke"]["grpc"], tls)
    return ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=channel))


def over_rest(document: Json) -> ClusterManagerClient:
    host = str(document["gke"]["rest"]).removeprefix("http://")
    transport = ClusterManagerRestTransport(host=host, url_scheme="http", credentials=AnonymousCredentials())
    return ClusterManagerClient(transport=transport)


WIRES: Mapping[str, Callable[[Json], ClusterManagerClient]] = {"grpc": over_grpc, "sdk-rest": over_rest}


def opened(wire: str, document: Json, timeout_s: float) -> Mapping[str, Door]:
    """Return the doors to the clouds, GKE's over this wire."""
    return {**doors(document, timeout_s), "gcp": SdkDoor(document, WIRES[wire](document), timeout_s)}


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, opened=partial(opened, sys.argv[1]))
