"""EKS over HTTP as boto3 speaks it (rest-json): routes and names from the model, errors as AWS sends them.

A request is authenticated, read into arguments, passes the gate, is answered by the engine and
journalled, passes the gate again, and goes out. `start` also opens the other ports.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from multicloud_lab.core.gate import Call
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import Listener, listen
from multicloud_lab.core.tls import Tls
from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.engine import EksEngine
from multicloud_lab.eks.model import Api, AwsError, check, load_api, request_id
from multicloud_lab.eks.operations import OPERATIONS
from multicloud_lab.eks.podidentity import PATH, pod_identity_app
from multicloud_lab.eks.query import autoscaling_app, sts_app
from multicloud_lab.eks.serving import Asked, make_call, serve
from multicloud_lab.eks.sigv4 import ANONYMOUS, authenticate, signed

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EksWire:
    """The listening ports."""

    listeners: Mapping[str, Listener]

    @property
    def endpoints(self) -> Mapping[str, object]:
        """The document's keys eks, autoscaling, sts, and podIdentity (AWS_CONTAINER_CREDENTIALS_FULL_URI of pods)."""
        urls = {name: {"url": listener.url} for name, listener in self.listeners.items()}
        return {**urls, "podIdentity": {"url": f"{self.listeners['podIdentity'].url}{PATH}"}}

    async def stop(self) -> None:
        """Stop listening."""
        for listener in self.listeners.values():
            await listener.stop()


async def start(lab: Lab, engine: EksEngine, _tls: Tls) -> EksWire:
    """Serve EKS, Auto Scaling, STS and pods' identities over plain HTTP: boto3 takes that at any loopback url."""
    return EksWire(
        listeners={
            "eks": await listen(eks_app(engine)),
            "autoscaling": await listen(autoscaling_app(engine)),
            "sts": await listen(sts_app(engine)),
            "podIdentity": await listen(pod_identity_app(lab, engine.sessions)),
        }
    )


def eks_app(engine: EksEngine) -> web.Application:
    """Return the application of the EKS port."""
    wire = _Rest(engine)
    app = web.Application()
    for operation in OPERATIONS:
        method, uri = wire.api.route(operation)
        app.router.add_route(method, uri, wire.handler(operation))
    app.router.add_route("*", "/{tail:.*}", wire.unknown)
    return app


class _Rest:
    service = "eks"
    content_type = "application/json"

    def __init__(self, engine: EksEngine) -> None:
        self._lab = engine.lab
        self._engine = engine
        self.api: Api = load_api("eks")

    def handler(self, operation: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            return await self._handle(operation, request)

        return handle

    async def unknown(self, request: web.Request) -> web.Response:
        """Answer what is not one of our routes, as AWS answers a path that it does not know."""
        call = Call(cloud=CLOUD, operation=f"{request.method} {request.path}", principal=ANONYMOUS)
        self._lab.clock.catch_up()
        self._lab.record(call, result="UnknownOperationException")
        return self.refuse(AwsError("UnknownOperationException", "The requested operation is not known", 404))

    def accept(self, operation: str, body: dict[str, Any] | None) -> web.Response:  # noqa: ARG002  (the Form's)
        """Write a result."""
        return web.json_response(body, headers=self._headers())

    def refuse(self, error: AwsError) -> web.Response:
        """Write a refusal: the code in a header, the modelled members in the body."""
        return web.json_response(
            {**error.fields, "message": error.message},
            status=error.status,
            headers={"x-amzn-ErrorType": error.code, **self._headers(), **error.headers},
        )

    async def _handle(self, operation: str, request: web.Request) -> web.Response:
        call = Call(cloud=CLOUD, operation=operation, principal=ANONYMOUS)
        engine = self._engine
        try:
            caller = authenticate(self._lab.seed.aws, engine.sessions, await signed(request), self.service)
            call = make_call(operation, caller, _path_arguments(self.api, operation, request))
            arguments = _arguments(self.api, operation, request, await request.read())
            call = make_call(operation, caller, arguments)
        except AwsError as error:
            self._lab.clock.catch_up()
            self._lab.record(call, result=error.code)
            return self.refuse(error)
        asked = Asked(
            caller=caller,
            call=call,
            arguments=arguments,
            commit=lambda: OPERATIONS[operation](engine, caller, arguments),
        )
        return await serve(engine, request, self, asked)

    def _headers(self) -> dict[str, str]:
        return {"x-amzn-RequestId": request_id(self._lab)}


def _path_arguments(api: Api, operation: str, request: web.Request) -> Arguments:
    """Return what the path names, by member name (clusterName travels as {name})."""
    return {
        member: request.match_info[shape.get("locationName", member)]
        for member, shape in api.input_members(operation).items()
        if shape.get("location") == "uri"
    }


def _arguments(api: Api, operation: str, request: web.Request, body: bytes) -> Arguments:
    """Return path, query and body by member name, checked against the model. Raises AwsError."""
    arguments = _path_arguments(api, operation, request)
    in_body: Arguments = {}
    if body:
        try:
            in_body = json.loads(body)
        except ValueError:
            raise AwsError("SerializationException", "The body is not JSON") from None
        if not isinstance(in_body, dict):
            raise AwsError("SerializationException", "The body is not a JSON object")
    for member, shape in api.input_members(operation).items():
        name = shape.get("locationName", member)
        if shape.get("location") == "querystring":
            values = request.query.getall(name, [])
            if values:
                arguments[member] = _from_query(api, shape["shape"], values, member)
        elif "location" not in shape and in_body.get(name) is not None:
            arguments[member] = in_body[name]
        if member in arguments:
            check(api, shape["shape"], arguments[member], member)
    for member in api.required(operation):
        if member not in arguments:
            raise AwsError(_missing_code(operation), f"{member} is missing")
    return arguments


def _missing_code(operation: str) -> str:
    return "BadRequestException" if operation in {"TagResource", "UntagResource"} else "InvalidParameterException"


def _from_query(api: Api, shape_name: str, values: list[str], member: str) -> object:
    kind = api.shapes[shape_name]["type"]
    if kind == "list":
        return values
    if kind in {"integer", "long"}:
        try:
            return int(values[-1])
        except ValueError:
            raise AwsError("SerializationException", f"{member} must be a whole number") from None
    if kind == "boolean":
        return values[-1] == "true"
    return values[-1]
