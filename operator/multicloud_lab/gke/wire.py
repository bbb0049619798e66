"""Google's listening servers on loopback: ClusterManager over gRPC and TLS; Compute and OAuth over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import grpc.aio
from aiohttp import web

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import Listener, listen
from multicloud_lab.core.tls import Tls
from multicloud_lab.gke.calls import Calls
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.rpc import ClusterManager
from multicloud_lab.gke.tokens import Identity
from multicloud_lab.gke.web import TOKEN_PATH, Compute, TokenEndpoint

_OPTIONS = (("grpc.so_reuseport", 0),)
"""Without this, two labs on one machine may be given one port."""


@dataclass(slots=True, kw_only=True, eq=False)
class GkeWire:
    """The running servers and where they listen."""

    endpoints: Mapping[str, object]
    calls: Calls
    rpc: grpc.aio.Server
    http: Listener

    async def stop(self) -> None:
        """Stop listening; held calls are given up and connections closed."""
        await self.calls.stop()
        await self.rpc.stop(grace=None)
        await self.http.stop()


async def start(lab: Lab, engine: GkeEngine, tls: Tls) -> GkeWire:
    """Start the servers on free ports of 127.0.0.1."""
    identity = Identity({key.email: key.public for key in lab.google_keys}, wall_time_s)
    calls = Calls(lab)
    rpc = grpc.aio.server(options=_OPTIONS)
    rpc.add_generic_rpc_handlers((ClusterManager(engine, identity, calls),))
    credentials = grpc.ssl_server_credentials([(tls.key_file.read_bytes(), tls.cert_file.read_bytes())])
    rpc_port = rpc.add_secure_port("127.0.0.1:0", credentials)
    await rpc.start()
    app = web.Application()
    app.add_routes(Compute(engine, identity, calls).routes())
    app.add_routes(TokenEndpoint(identity, calls).routes())
    http = await listen(app)
    endpoints = {
        "gke": {"grpc": f"127.0.0.1:{rpc_port}", "rest": None, "caFile": str(tls.ca_file)},
        "compute": {"url": http.url},
        "google": {"token": f"{http.url}{TOKEN_PATH}", "metadata": None},
    }
    return GkeWire(endpoints=endpoints, calls=calls, rpc=rpc, http=http)
