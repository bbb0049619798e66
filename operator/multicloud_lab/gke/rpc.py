"""ClusterManager over gRPC: bytes and metadata in, `methods` and the gate in between, a status out.

Errors travel as google.rpc.Status in the trailer `grpc-status-details-bin`, which is where the
vendor's SDK finds the ErrorInfo.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships without types
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from multicloud_lab.core.gate import Call, CallDroppedError
from multicloud_lab.gke.calls import ANONYMOUS, CLOUD, Calls
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.errors import Code, GoogleError, invalid
from multicloud_lab.gke.methods import METHODS, Method
from multicloud_lab.gke.names import requested
from multicloud_lab.gke.tokens import Identity

SERVICE = "google.container.v1.ClusterManager"
HOST = "container.googleapis.com"

_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class ClusterManager:
    """A generic handler of grpc (found by its `service` method) for every method of the service."""

    def __init__(self, engine: GkeEngine, identity: Identity, calls: Calls) -> None:
        """Serve the engine to the principals that `identity` knows."""
        self._engine = engine
        self._identity = identity
        self._calls = calls

    def service(self, details: Any) -> Any:
        """Return grpc's handler of the method that a call names; None for another service."""
        service, _, method = str(details.method).removeprefix("/").partition("/")
        if service != SERVICE:
            return None
        return grpc.unary_unary_rpc_method_handler(partial(self._serve, method))

    async def _serve(self, operation: str, body: bytes, context: Any) -> bytes:
        try:
            return await self._answer(operation, body, context.invocation_metadata() or ())
        except GoogleError as error:
            status = _status(error)
            trailer = (("grpc-status-details-bin", status.SerializeToString()),)
            await context.abort(_STATUS_CODES[error.canonical.number], error.message, trailer)
        except CallDroppedError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        return b""

    async def _answer(self, operation: str, body: bytes, metadata: Sequence[tuple[str, str | bytes]]) -> bytes:
        authorization = next((str(value) for key, value in metadata if key == "authorization"), None)
        try:
            principal = self._identity.principal(authorization, host=HOST, method=f"{SERVICE}.{operation}")
        except GoogleError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation=operation, principal=ANONYMOUS), error.code)
            raise
        try:
            method = _find(operation)
            request = _parse(method, body)
            name = requested(request, method.kind)
        except GoogleError as error:
            self._calls.refuse(Call(cloud=CLOUD, operation=operation, principal=principal), error.code)
            raise
        call = Call(
            cloud=CLOUD,
            operation=operation,
            principal=principal,
            cluster=name.cluster,
            pool=name.pool,
            arguments=method.arguments(request),
        )
        message = await self._calls.run(call, partial(method.act, self._engine, name, request))
        serialized: bytes = method.response.serialize(message)
        return serialized


def _find(operation: str) -> Method:
    method = METHODS.get(operation)
    if method is None:
        message = f"Method {operation} of {SERVICE} is not implemented here."
        raise GoogleError(Code.UNIMPLEMENTED, message)
    return method


def _parse(method: Method, body: bytes) -> Any:
    try:
        return method.request.deserialize(body)
    except DecodeError:
        message = f"Request is not a {method.request.__name__}."
        raise invalid(message) from None


def _status(error: GoogleError) -> Status:
    status = Status(code=error.canonical.number, message=error.message)
    if error.reason is not None:
        status.details.add().Pack(ErrorInfo(reason=error.reason, domain=error.domain, metadata=error.metadata))
    return status
