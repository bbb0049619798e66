"""Faults in Azure's words: what a FaultedError of the gate becomes on Azure's wires.

Most faults are one of ARM's own errors. What no front end words (bodies given by the fault, garbage) is sent as it is.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

from multicloud_lab.aks.errors import ArmError, expired
from multicloud_lab.core.faultkinds import Answer, AuthExpire, Deny, Garbage, Throttle
from multicloud_lab.core.faults import FaultedError

_JSON = "application/json"

HTML_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n</body>\r\n</html>\r\n"
)

_USUAL: Mapping[int, str] = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    408: "RequestTimeout",
    409: "Conflict",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


def arm_answer(
    fault: FaultedError, throttled: Callable[[float], ArmError], denied: Callable[[], ArmError]
) -> ArmError | web.Response:
    """Return what a call to ARM is answered with that a fault has hit."""
    action = fault.action
    match action:
        case Throttle():
            return throttled(fault.retry_after_s or 1.0)
        case AuthExpire():
            return expired()
        case Deny():
            return denied()
        case Answer() if action.body is None and action.content_type is None and action.status >= 400:
            code = action.code or _USUAL.get(action.status, "InternalServerError")
            return ArmError(action.status, code, action.message, headers=action.headers)
    return raw_answer(fault)


def raw_answer(fault: FaultedError) -> web.Response:
    """Return an answer byte for byte."""
    match fault.action:
        case Answer(status=status, body=body, headers=headers, content_type=content_type):
            return _raw(status, body or "", content_type or _JSON, headers)
        case Garbage(form="html502"):
            return _raw(502, HTML_502, "text/html")
        case Garbage(form="truncated"):
            return _raw(200, '{"id": "/subscriptions/00000000-', _JSON)
        case Garbage(form="wrongType"):
            return _raw(200, "OK", "text/plain")
        case Garbage():
            return _raw(200, "", _JSON)
    return _raw(500, "", _JSON)


def _raw(status: int, body: str, content_type: str, headers: Mapping[str, str] | None = None) -> web.Response:
    # A body of bytes, so that the type is sent as it is given, with or without a charset.
    sent = {"Content-Type": content_type, **(headers or {})}
    return web.Response(status=status, body=body.encode(), headers=sent)
