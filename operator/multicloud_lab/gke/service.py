"""One call of ClusterManager, whatever its transport: who calls, what is asked, gate, engine, answer.

`rpc` and `rest` read requests and write answers; everything in between happens here, so their journals
are the same.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from multicloud_lab.core.calls import Call
from multicloud_lab.core.lab import Lab
from multicloud_lab.gke.calls import ANONYMOUS, CLOUD, Calls, Outcome
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.errors import GoogleError, unimplemented, unreadable
from multicloud_lab.gke.faulted import Scope
from multicloud_lab.gke.methods import METHODS, Method
from multicloud_lab.gke.names import Kind, Name, requested
from multicloud_lab.gke.tokens import Identity

SERVICE = "google.container.v1.ClusterManager"
HOST = "container.googleapis.com"

Parse = Callable[[Method], Any]


class Containers:
    """The methods of ClusterManager for the principals that an identity knows."""

    def __init__(self, lab: Lab, engine: GkeEngine, identity: Identity, calls: Calls) -> None:
        """Serve the engine."""
        self._lab = lab
        self._engine = engine
        self._identity = identity
        self._calls = calls

    @property
    def zone_paths(self) -> bool:
        """Whether REST answers at the first API's paths."""
        return self._engine.switches.zone_paths

    async def answer(self, operation: str, parse: Parse, authorization: str | None) -> tuple[Method, Any]:
        """Return the method and its answer's message; `parse` reads the request for it.

        Raises GoogleError, RawAnswerError, CallDroppedError.
        """
        try:
            principal = self._identity.principal(authorization, host=HOST, method=f"{SERVICE}.{operation}")
        except GoogleError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation=operation, principal=ANONYMOUS), error.code)
            raise
        try:
            method = _find(operation)
            request = parse(method)
            _check_enums(method.request.pb(request), "")
            name = requested(request, method.kind)
        except GoogleError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation=operation, principal=principal), error.code)
            raise
        call = Call(
            cloud=CLOUD,
            operation=operation,
            principal=principal,
            cluster=name.cluster,
            pool=method.pool(name, request),
            arguments=method.arguments(name, request),
        )
        scope = Scope(
            service=HOST,
            method=f"{SERVICE}.{operation}",
            consumer=f"projects/{name.project}",
            kind=method.rate,
            permission=method.permission or self._engine.switches.cancel_permission,
            resource=_resource(name, method.kind),
        )
        action = partial(self._act, method, name, request, call)
        return method, await self._calls.run(call, action, scope, pace=(name.project, "container"))

    def _act(self, method: Method, name: Name, request: Any, call: Call) -> Outcome[Any]:
        if method.writes:
            return method.act(self._engine, name, request, call)
        key = (call.operation, name.canonical)
        return self._lab.faults.stale(call, key, lambda: method.act(self._engine, name, request, call))


def _find(operation: str) -> Method:
    method = METHODS.get(operation)
    if method is None:
        raise unimplemented(f"{SERVICE}.{operation}")
    return method


def _check_enums(message: Any, path: str) -> None:
    """Refuse numbers that an enum has no name for: proto3 itself lets them pass. Raises GoogleError."""
    for field, value in message.ListFields():
        at = f"{path}{field.name}"
        values = value if field.is_repeated else [value]
        if field.enum_type is not None:
            wrong = [each for each in values if each not in field.enum_type.values_by_number]
            if wrong:
                raise unreadable(
                    f"Invalid value at '{at}' (type.googleapis.com/{field.enum_type.full_name}), {wrong[0]}", at
                )
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in values:
                _check_enums(each, f"{at}.")


def _resource(name: Name, kind: Kind) -> str:
    """Return what permissions are asked on: the cluster for all that is in it, otherwise the project."""
    if kind in {Kind.CLUSTER, Kind.POOL}:
        return Name(project=name.project, location=name.location, cluster=name.cluster).path
    return f"projects/{name.project}"
