"""The admin port's acting half: hands, faults, capacity, quotas, permissions. Everything is journalled."""

from aiohttp import web

from multicloud_lab.adminbody import (
    AllowBody,
    CapacityBody,
    ClusterBody,
    DenyBody,
    KillBody,
    PoolBody,
    QuotaBody,
    ReclaimBody,
    RestoreBody,
    SizeBody,
    UpgradeBody,
    read,
    read_json,
)
from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faultfile import fault_json, read_fault
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.lab import Lab
from multicloud_lab.operationnames import OPERATIONS


class HandRoutes:
    """The routes under /hands."""

    def __init__(self, lab: Lab) -> None:
        """Act on this lab."""
        self._hands = Hands(lab)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/hands/resize", self._resize),
            web.post("/hands/autoscaler", self._autoscaler),
            web.post("/hands/upgrade", self._upgrade),
            web.post("/hands/abort", self._abort),
            web.post("/hands/spot-reclaim", self._reclaim),
            web.post("/hands/kill-node", self._kill),
            web.post("/hands/delete-pool", self._delete_pool),
            web.post("/hands/recreate-pool", self._recreate_pool),
            web.post("/hands/delete-cluster", self._delete_cluster),
            web.post("/hands/recreate-cluster", self._recreate_cluster),
        ]

    async def _resize(self, request: web.Request) -> web.Response:
        body = await read(request, SizeBody)
        self._hands.resize(body.cloud, body.cluster, body.node_pool, body.to)
        return web.json_response({})

    async def _autoscaler(self, request: web.Request) -> web.Response:
        body = await read(request, SizeBody)
        self._hands.autoscale(body.cloud, body.cluster, body.node_pool, body.to)
        return web.json_response({})

    async def _upgrade(self, request: web.Request) -> web.Response:
        body = await read(request, UpgradeBody)
        self._hands.upgrade(body.cloud, body.cluster, body.node_pool, body.seconds)
        return web.json_response({})

    async def _abort(self, request: web.Request) -> web.Response:
        body = await read(request, PoolBody)
        self._hands.abort(body.cloud, body.cluster, body.node_pool)
        return web.json_response({})

    async def _reclaim(self, request: web.Request) -> web.Response:
        body = await read(request, ReclaimBody)
        names = self._hands.reclaim_spot(
            body.cloud, body.cluster, body.node_pool, region=body.region, zone=body.zone, nodes=body.nodes
        )
        return web.json_response({"nodes": names})

    async def _kill(self, request: web.Request) -> web.Response:
        body = await read(request, KillBody)
        self._hands.kill_node(body.cloud, body.node)
        return web.json_response({})

    async def _delete_pool(self, request: web.Request) -> web.Response:
        body = await read(request, PoolBody)
        self._hands.delete(body.cloud, body.cluster, body.node_pool)
        return web.json_response({})

    async def _recreate_pool(self, request: web.Request) -> web.Response:
        body = await read(request, PoolBody)
        self._hands.recreate(body.cloud, body.cluster, body.node_pool)
        return web.json_response({})

    async def _delete_cluster(self, request: web.Request) -> web.Response:
        body = await read(request, ClusterBody)
        self._hands.delete(body.cloud, body.cluster)
        return web.json_response({})

    async def _recreate_cluster(self, request: web.Request) -> web.Response:
        body = await read(request, ClusterBody)
        self._hands.recreate(body.cloud, body.cluster)
        return web.json_response({})


class FaultRoutes:
    """POST, GET and DELETE /faults."""

    def __init__(self, lab: Lab) -> None:
        """Act on this lab."""
        self._lab = lab

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/faults", self._place),
            web.get("/faults", self._list),
            web.delete("/faults", self._lift_all),
            web.delete("/faults/{id}", self._lift),
        ]

    async def _place(self, request: web.Request) -> web.Response:
        """Place one fault or, all or none, a list of them."""
        raw = await read_json(request)
        if isinstance(raw, list):
            faults = [read_fault(each, f"[{index}]", OPERATIONS) for index, each in enumerate(raw)]
            return web.json_response({"ids": [self._lab.faults.place(fault) for fault in faults]})
        return web.json_response({"id": self._lab.faults.place(read_fault(raw, known=OPERATIONS))})

    async def _list(self, _request: web.Request) -> web.Response:
        placed = [
            {"id": each.id, "matched": each.seen, "applied": each.applied, "fault": fault_json(each.fault)}
            for each in self._lab.faults.placed()
        ]
        return web.json_response({"faults": placed})

    async def _lift(self, request: web.Request) -> web.Response:
        self._lab.faults.lift(request.match_info["id"])
        return web.json_response({})

    async def _lift_all(self, _request: web.Request) -> web.Response:
        self._lab.faults.lift_all()
        return web.json_response({})


class LimitRoutes:
    """/capacity, /quota and /permissions."""

    def __init__(self, lab: Lab) -> None:
        """Act on this lab."""
        self._lab = lab

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/capacity", self._set_capacity),
            web.get("/capacity", self._capacity),
            web.post("/quota", self._set_quota),
            web.get("/quota", self._quota),
            web.post("/permissions/deny", self._deny),
            web.post("/permissions/allow", self._allow),
            web.post("/permissions/restore", self._restore),
        ]

    async def _set_capacity(self, request: web.Request) -> web.Response:
        body = await read(request, CapacityBody)
        self._lab.capacity.set_free(body.cloud, body.zone, body.type, body.free)
        return web.json_response({})

    async def _capacity(self, _request: web.Request) -> web.Response:
        stocks = [
            {"cloud": each.cloud, "zone": each.zone, "type": each.type, "free": each.free}
            for each in self._lab.capacity.stocks()
        ]
        return web.json_response({"capacity": stocks})

    async def _set_quota(self, request: web.Request) -> web.Response:
        body = await read(request, QuotaBody)
        limit = Limit(nodes=body.nodes, vcpus=body.vcpus)
        self._lab.quotas.set_limit(body.cloud, body.account, body.region, limit)
        return web.json_response({})

    async def _quota(self, _request: web.Request) -> web.Response:
        quotas = []
        for (cloud, account, region), limit in self._lab.quotas.limits().items():
            used = self._lab.quotas.used(cloud, account, region)
            place = {"cloud": cloud, "account": account, "region": region}
            numbers = {"nodes": limit.nodes, "vcpus": limit.vcpus, "usedNodes": used.nodes, "usedVcpus": used.vcpus}
            quotas.append({**place, **numbers})
        return web.json_response({"quotas": quotas})

    async def _deny(self, request: web.Request) -> web.Response:
        body = await read(request, DenyBody)
        self._lab.permissions.deny(body.principal, body.action, body.resource)
        return web.json_response({})

    async def _allow(self, request: web.Request) -> web.Response:
        body = await read(request, AllowBody)
        self._lab.permissions.allow_only(body.cloud, body.principal, body.actions)
        return web.json_response({})

    async def _restore(self, request: web.Request) -> web.Response:
        body = await read(request, RestoreBody)
        self._lab.permissions.restore(body.principal)
        return web.json_response({})
