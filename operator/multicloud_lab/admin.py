"""The admin port: reset, seed, clock, journal, holds, pools, nodes, statistics, invariants; `adminhands` acts.

Loopback only, plain HTTP. It is the tests' and the demo's side door; no client under test uses it. A
mistake in a request is answered with 400 and `{"error": sentence}`.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import yaml
from aiohttp import web

from multicloud_lab.adminbody import AdvanceBody, HoldBody, ReleaseBody, WaitBody, read, refuse
from multicloud_lab.adminclusters import ClusterRoutes
from multicloud_lab.adminhands import FaultRoutes, HandRoutes, LimitRoutes
from multicloud_lab.clusters import Clusters
from multicloud_lab.core.clock import iso
from multicloud_lab.core.gate import Hold
from multicloud_lab.core.invariants import check
from multicloud_lab.core.journal import LAB
from multicloud_lab.core.lab import Lab, MachineGroup, PoolView, RefusedError
from multicloud_lab.core.nodes import Node
from multicloud_lab.core.seed import SeedError, read_seed

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def pool_json(pool: PoolView) -> dict[str, object]:
    """Return a pool as GET /pools shows it."""
    return {
        "cloud": pool.cloud,
        "cluster": pool.cluster,
        "nodePool": pool.node_pool,
        "requested": pool.requested,
        "nodes": pool.nodes,
        "ready": pool.ready,
        "status": pool.status,
    }


def node_json(group: MachineGroup, node: Node) -> dict[str, object]:
    """Return a machine as GET /nodes shows it."""
    return {
        "cloud": group.cloud,
        "account": group.account,
        "location": group.location,
        "cluster": group.cluster,
        "nodePool": group.node_pool,
        "name": node.name,
        "node": group.node_name(node),
        "providerId": group.provider_id(node),
        "instanceType": group.type_of(node),
        "spot": group.spot,
        "zone": node.zone,
        "state": str(node.state),
        "created": iso(node.created),
        "since": iso(node.since),
    }


def admin_app(lab: Lab, clusters: Clusters) -> web.Application:
    """Return the application of the admin port."""
    admin = _Admin(lab)
    app = web.Application(middlewares=[admin.middleware])
    app.add_routes(
        [
            web.post("/reset", admin.reset),
            web.post("/seed", admin.seed),
            web.get("/clock", admin.clock),
            web.post("/clock/advance", admin.advance),
            web.get("/journal", admin.journal),
            web.post("/holds", admin.hold),
            web.post("/holds/{id}/wait", admin.wait),
            web.post("/holds/{id}/release", admin.release),
            web.get("/pools", admin.pools),
            web.get("/nodes", admin.nodes),
            web.get("/stats", admin.stats),
            web.get("/invariants", admin.invariants),
            *HandRoutes(lab).routes(),
            *FaultRoutes(lab).routes(),
            *LimitRoutes(lab).routes(),
            *ClusterRoutes(clusters).routes(),
        ]
    )
    return app


class _Admin:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._lab.clock.catch_up()
        try:
            return await handler(request)
        except (ValueError, RefusedError, SeedError) as error:
            return refuse(str(error))

    async def reset(self, _request: web.Request) -> web.Response:
        await self._lab.gate.drop_all()  # before the journal is emptied: dropped calls still write to it
        self._lab.reset()
        return web.json_response({})

    async def seed(self, request: web.Request) -> web.Response:
        """Start again from another seed, given as YAML or JSON."""
        try:
            raw = yaml.safe_load(await request.text())
        except yaml.YAMLError as error:
            return refuse(f"the body is not YAML: {' '.join(str(error).split())}")
        seed = read_seed(raw)
        await self._lab.gate.drop_all()  # as for a reset
        self._lab.reseed(seed)
        return web.json_response({})

    async def clock(self, _request: web.Request) -> web.Response:
        clock = self._lab.clock
        return web.json_response({"now": iso(clock.now()), "epochSeconds": clock.now(), "factor": clock.factor})

    async def advance(self, request: web.Request) -> web.Response:
        body = await read(request, AdvanceBody)
        self._lab.clock.advance(body.seconds)
        return await self.clock(request)

    async def journal(self, request: web.Request) -> web.Response:
        text = request.query.get("since", "0")
        if not text.isdigit():
            return refuse(f"since is {text!r}, but it must be the number of an entry")
        return web.json_response({"entries": [e.as_json() for e in self._lab.journal.entries(int(text))]})

    async def hold(self, request: web.Request) -> web.Response:
        body = await read(request, HoldBody)
        return web.json_response({"id": self._lab.gate.hold(Hold(**body.model_dump()))})

    async def wait(self, request: web.Request) -> web.Response:
        body = await read(request, WaitBody)
        try:
            async with asyncio.timeout(body.timeout_seconds):
                await self._lab.gate.reached(request.match_info["id"])
        except TimeoutError:
            return web.json_response({"reached": False})
        return web.json_response({"reached": True})

    async def release(self, request: web.Request) -> web.Response:
        body = await read(request, ReleaseBody)
        self._lab.gate.release(request.match_info["id"], body.action)
        return web.json_response({})

    async def pools(self, _request: web.Request) -> web.Response:
        return web.json_response({"pools": [pool_json(pool) for pool in self._lab.fleet]})

    async def nodes(self, _request: web.Request) -> web.Response:
        nodes = [node_json(group, node) for group in self._lab.machines() for node in group.nodes.nodes]
        return web.json_response({"nodes": nodes})

    async def invariants(self, _request: web.Request) -> web.Response:
        return web.json_response({"violations": check(self._lab)})

    async def stats(self, _request: web.Request) -> web.Response:
        entries = [entry for entry in self._lab.journal.entries() if entry.cloud != LAB]
        calls = Counter((e.cloud, e.operation, e.principal) for e in entries)
        resizes = Counter((e.cloud, e.cluster, e.pool) for e in self._lab.journal.effective_resizes())
        return web.json_response(
            {
                "calls": [
                    {"cloud": cloud, "operation": operation, "principal": principal, "calls": count}
                    for (cloud, operation, principal), count in sorted(calls.items())
                ],
                "effectiveResizes": [
                    {"cloud": cloud, "cluster": cluster, "nodePool": pool, "resizes": count}
                    for (cloud, cluster, pool), count in resizes.items()
                ],
                "mostInFlight": dict(self._lab.gate.most_in_flight),
            }
        )
