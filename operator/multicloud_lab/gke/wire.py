"""Google's listening servers on loopback.

ClusterManager over gRPC and TLS and over REST; on a third port Compute, OAuth's token endpoint, the exchange of
`federation`, the metadata server, and the IAM methods of `iam`. All over one engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import grpc.aio
from aiohttp import web

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import Listener, listen
from multicloud_lab.core.tls import Tls
from multicloud_lab.gke.calls import CLOUD, Calls
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.federation import STS_PATH, Federation
from multicloud_lab.gke.frontend import everything_else
from multicloud_lab.gke.iam import Iam
from multicloud_lab.gke.metadata import Metadata
from multicloud_lab.gke.rest import Rest
from multicloud_lab.gke.rpc import ClusterManager
from multicloud_lab.gke.service import Containers
from multicloud_lab.gke.tokens import Identity
from multicloud_lab.gke.web import TOKEN_PATH, Compute, TokenEndpoint

_OPTIONS = (("grpc.so_reuseport", 0),)
"""Without this, two labs on one machine may be given one port."""


@dataclass(slots=True, kw_only=True, eq=False)
class GkeWire:
    """The running servers and where they listen; `identity` knows whose a token is."""

    endpoints: Mapping[str, object]
    identity: Identity
    calls: Calls
    rpc: grpc.aio.Server
    rest: Listener
    http: Listener

    async def stop(self) -> None:
        """Stop listening; held calls are given up and connections closed."""
        await self.calls.stop()
        await self.rpc.stop(grace=None)
        await self.rest.stop()
        await self.http.stop()


async def start(lab: Lab, engine: GkeEngine, tls: Tls) -> GkeWire:
    """Start the servers on free ports of 127.0.0.1."""
    identity = Identity(
        lambda email: next((key.public for key in lab.google_keys if key.email == email), None),
        lambda: wall_time_s() + lab.faults.skew_s(CLOUD),
    )
    calls = Calls(lab)
    containers = Containers(lab, engine, identity, calls)
    rpc = grpc.aio.server(options=_OPTIONS)
    rpc.add_generic_rpc_handlers((ClusterManager(containers),))
    credentials = grpc.ssl_server_credentials([(tls.key_file.read_bytes(), tls.cert_file.read_bytes())])
    rpc_port = rpc.add_secure_port("127.0.0.1:0", credentials)
    await rpc.start()
    rest_app = web.Application()
    rest_app.add_routes(Rest(containers).routes())
    rest = await listen(rest_app)
    app = web.Application()
    app.add_routes(Compute(lab, engine, identity, calls).routes())
    app.add_routes(TokenEndpoint(identity, calls).routes())
    app.add_routes(Federation(lab, identity, calls).routes())
    app.add_routes(Iam(lab, engine, identity, calls).routes())
    app.add_routes(Metadata(identity, calls, lab.google_keys[0].email, lab.seed.gcp.project).routes())
    app.add_routes([everything_else()])
    http = await listen(app)
    endpoints = {
        "gke": {"grpc": f"127.0.0.1:{rpc_port}", "rest": rest.url, "caFile": str(tls.ca_file)},
        "compute": {"url": http.url},
        "google": {
            "token": f"{http.url}{TOKEN_PATH}",
            "metadata": http.url,
            "iamcredentials": http.url,
            "resourceManager": http.url,
            "sts": f"{http.url}{STS_PATH}",
        },
    }
    return GkeWire(endpoints=endpoints, identity=identity, calls=calls, rpc=rpc, rest=rest, http=http)
