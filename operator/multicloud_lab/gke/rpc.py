"""ClusterManager over gRPC: bytes and metadata in, `service` in between, a status out.

Errors travel as google.rpc.Status in the trailer `grpc-status-details-bin`, which is where the
vendor's SDK finds the ErrorInfo.
"""

from functools import partial
from typing import Any

import grpc
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # as above
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.gke.errors import GoogleError, invalid
from multicloud_lab.gke.faulted import RawAnswerError
from multicloud_lab.gke.methods import Method
from multicloud_lab.gke.service import SERVICE, Containers

_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class ClusterManager:
    """A generic handler of grpc (found by its `service` method) for every method of the service."""

    def __init__(self, containers: Containers) -> None:
        """Serve these."""
        self._containers = containers

    def service(self, details: Any) -> Any:
        """Return grpc's handler of the method that a call names; None for another service."""
        service, _, method = str(details.method).removeprefix("/").partition("/")
        if service != SERVICE:
            return None
        return grpc.unary_unary_rpc_method_handler(partial(self._serve, method))

    async def _serve(self, operation: str, body: bytes, context: Any) -> bytes:
        metadata = context.invocation_metadata() or ()
        authorization = next((str(value) for key, value in metadata if key == "authorization"), None)
        try:
            method, message = await self._containers.answer(operation, partial(_parse, body), authorization)
            serialized: bytes = method.response.serialize(message)
        except GoogleError as error:
            trailer = (
                *((name.lower(), value) for name, value in error.headers.items()),
                ("grpc-status-details-bin", _status(error).SerializeToString()),
            )
            await context.abort(_STATUS_CODES[error.canonical.number], error.message, trailer)
        except RawAnswerError as error:
            if error.raw.grpc_body is not None:
                return error.raw.grpc_body
            message = f"Received http2 header with status: {error.raw.status}"
            await context.abort(grpc.StatusCode.UNAVAILABLE, message)
        except CallDroppedError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        else:
            return serialized
        return b""


def _parse(body: bytes, method: Method) -> Any:
    try:
        return method.request.deserialize(body)
    except DecodeError:
        message = f"Request is not a {method.request.__name__}."
        raise invalid(message) from None


def _status(error: GoogleError) -> Status:
    status = Status(code=error.canonical.number, message=error.message)
    for detail in error.details:
        kind = getattr(error_details_pb2, str(detail["@type"]).rpartition(".")[2])
        body = {field: value for field, value in detail.items() if field != "@type"}
        status.details.add().Pack(json_format.ParseDict(body, kind()))
    return status
