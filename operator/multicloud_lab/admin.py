"""The admin port: reset, clock, journal, holds, pools, hands, statistics. Loopback only, plain HTTP.

It is the tests' and the demo's side door; no client under test uses it. A mistake in a request is
answered with 400 and `{"error": sentence}`.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from multicloud_lab.core.clock import iso
from multicloud_lab.core.gate import Hold
from multicloud_lab.core.lab import Lab, PoolView, RefusedError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class AdvanceBody(_Body):
    """POST /clock/advance."""

    seconds: float = Field(ge=0)


class HoldBody(_Body):
    """POST /holds."""

    operation: str
    cloud: Literal["aws", "azure", "gcp"] | None = None
    cluster: str | None = None
    pool: str | None = None
    when: Literal["before", "after"] = "before"
    nth: int = Field(default=1, ge=1)


class WaitBody(_Body):
    """POST /holds/{id}/wait."""

    timeout_seconds: float = Field(default=10, ge=0)


class ReleaseBody(_Body):
    """POST /holds/{id}/release."""

    action: Literal["continue", "drop"] = "continue"


class HandBody(_Body):
    """POST /hands/resize; `to` is in nodes of the whole pool."""

    cloud: Literal["aws", "azure", "gcp"]
    cluster: str
    node_pool: str
    to: int = Field(ge=0)


BodyT = TypeVar("BodyT", bound=_Body)


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


def admin_app(lab: Lab) -> web.Application:
    """Return the application of the admin port."""
    admin = _Admin(lab)
    app = web.Application(middlewares=[admin.middleware])
    app.add_routes(
        [
            web.post("/reset", admin.reset),
            web.get("/clock", admin.clock),
            web.post("/clock/advance", admin.advance),
            web.get("/journal", admin.journal),
            web.post("/holds", admin.hold),
            web.post("/holds/{id}/wait", admin.wait),
            web.post("/holds/{id}/release", admin.release),
            web.get("/pools", admin.pools),
            web.post("/hands/resize", admin.resize),
            web.get("/stats", admin.stats),
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
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "the body"
            return _refuse(f"{field}: {first['msg']}")
        except (ValueError, RefusedError) as error:
            return _refuse(str(error))

    async def reset(self, _request: web.Request) -> web.Response:
        await self._lab.gate.drop_all()  # before the journal is emptied: dropped calls still write to it
        self._lab.reset()
        return web.json_response({})

    async def clock(self, _request: web.Request) -> web.Response:
        clock = self._lab.clock
        return web.json_response({"now": iso(clock.now()), "epochSeconds": clock.now(), "factor": clock.factor})

    async def advance(self, request: web.Request) -> web.Response:
        body = await _read(request, AdvanceBody)
        self._lab.clock.advance(body.seconds)
        return await self.clock(request)

    async def journal(self, request: web.Request) -> web.Response:
        text = request.query.get("since", "0")
        if not text.isdigit():
            return _refuse(f"since is {text!r}, but it must be the number of an entry")
        return web.json_response({"entries": [e.as_json() for e in self._lab.journal.entries(int(text))]})

    async def hold(self, request: web.Request) -> web.Response:
        body = await _read(request, HoldBody)
        return web.json_response({"id": self._lab.gate.hold(Hold(**body.model_dump()))})

    async def wait(self, request: web.Request) -> web.Response:
        body = await _read(request, WaitBody)
        try:
            async with asyncio.timeout(body.timeout_seconds):
                await self._lab.gate.reached(request.match_info["id"])
        except TimeoutError:
            return web.json_response({"reached": False})
        return web.json_response({"reached": True})

    async def release(self, request: web.Request) -> web.Response:
        body = await _read(request, ReleaseBody)
        self._lab.gate.release(request.match_info["id"], body.action)
        return web.json_response({})

    async def pools(self, _request: web.Request) -> web.Response:
        return web.json_response({"pools": [pool_json(pool) for pool in self._lab.fleet]})

    async def resize(self, request: web.Request) -> web.Response:
        body = await _read(request, HandBody)
        engine = self._lab.engines.get(body.cloud)
        if engine is None:
            return _refuse(f"the cloud {body.cloud} is not running in this lab")
        engine.resize_by_hand(body.cluster, body.node_pool, body.to)
        return web.json_response({})

    async def stats(self, _request: web.Request) -> web.Response:
        entries = self._lab.journal.entries()
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
            }
        )


async def _read(request: web.Request, kind: type[BodyT]) -> BodyT:
    text = await request.text()
    try:
        raw = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        message = f"the body is not JSON: {error}"
        raise ValueError(message) from error
    return kind.model_validate(raw)


def _refuse(sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=400)
