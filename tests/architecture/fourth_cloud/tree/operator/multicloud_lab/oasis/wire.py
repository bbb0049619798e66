"""Oasis over plain HTTP: JSON, a bearer token, errors as `{"error": {"code", "message"}}`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from aiohttp import web
from multicloud_lab.oasis.engine import CLOUD, TOKEN, USER, OasisEngine

from multicloud_lab.core.calls import Call
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.listen import Listener, hang_up, listen
from multicloud_lab.core.tls import Tls

STATUS: Mapping[str, int] = {"unauthorized": 401, "not_found": 404, "busy": 409, "invalid": 400}


@dataclass(frozen=True, slots=True, kw_only=True)
class OasisWire:
    """The listening port."""

    listener: Listener

    @property
    def endpoints(self) -> Mapping[str, object]:
        """The document's key oasis, with what to log in with."""
        return {CLOUD: {"url": self.listener.url, "token": TOKEN}}

    async def stop(self) -> None:
        """Stop listening."""
        await self.listener.stop()


async def start(_lab: Lab, engine: OasisEngine, _tls: Tls) -> OasisWire:
    """Serve the API."""
    handlers = _Handlers(engine)
    app = web.Application()
    app.add_routes(
        [
            web.get("/v1/whoami", handlers.whoami),
            web.get("/v1/clusters/{cluster}/pools", handlers.pools),
            web.post("/v1/clusters/{cluster}/pools/{pool}/resize", handlers.resize),
            web.get("/v1/operations/{operation}", handlers.operation),
        ]
    )
    return OasisWire(listener=await listen(app))


class _Handlers:
    def __init__(self, engine: OasisEngine) -> None:
        self._engine = engine

    async def whoami(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, "WhoAmI", lambda _call: {"user": USER})

    async def pools(self, request: web.Request) -> web.StreamResponse:
        cluster = request.match_info["cluster"]
        return await self._serve(request, "ListPools", lambda _call: {"pools": self._engine.listed(cluster)})

    async def operation(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["operation"]
        return await self._serve(request, "GetOperation", lambda _call: {"state": self._engine.operation(name)})

    async def resize(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        size, token = int(body["size"]), str(body["token"])

        def answer(call: Call) -> dict[str, object]:
            return {"operation": self._engine.resize(call, size, token)}

        return await self._serve(request, "ResizePool", answer, token)

    async def _serve(
        self, request: web.Request, operation: str, act: Callable[[Call], dict[str, object]], token: str | None = None
    ) -> web.StreamResponse:
        lab, known = self._engine.lab, request.headers.get("Authorization") == f"Bearer {TOKEN}"
        call = Call(
            cloud=CLOUD,
            operation=operation,
            principal=USER if known else "anonymous",
            cluster=request.match_info.get("cluster"),
            pool=request.match_info.get("pool"),
            token=token,
        )
        try:
            await lab.gate.before(call)
        except CallDroppedError:
            lab.record(call, result=DROPPED)
            return hang_up(request)
        try:
            answer = act(call) if known else self._refuse()
        except RefusedError as error:
            lab.record(call, result=error.code)
            told = {"error": {"code": error.code, "message": error.message}}
            return web.json_response(told, status=STATUS[error.code])
        if operation != "ResizePool":  # a resize is journalled where it is decided
            lab.record(call)
        try:
            await lab.gate.after(call)
        except CallDroppedError:
            return hang_up(request)
        return web.json_response(answer)

    @staticmethod
    def _refuse() -> NoReturn:
        raise RefusedError("unauthorized", "the token is not known")
