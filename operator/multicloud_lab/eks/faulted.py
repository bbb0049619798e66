"""Faults in AWS's words: what a FaultedError of the gate becomes on AWS's wires.

Most are one of AWS's own errors. What AWS never words (bodies given by the fault, garbage) is a `Raw` answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from multicloud_lab.core.faultkinds import Answer, AuthExpire, Deny, Garbage, Throttle
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.eks.access import denied, expired
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller

_HTML_502 = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An answer byte for byte."""

    status: int
    body: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


def in_aws_words(
    fault: FaultedError, throttled: AwsError, caller: Caller, action: str, resource: str, content_type: str
) -> AwsError | Raw:
    """Return what a call is answered with that a fault has hit; `throttled` and `content_type` are the wire's own."""
    match fault.action:
        case Throttle():
            return throttled
        case AuthExpire():
            return expired()
        case Deny():
            return denied(caller, action, resource)
        case Garbage():
            return _garbage(fault.action, content_type)
        case Answer():
            return _answer(fault.action, content_type)
    return AwsError("ServerException", "Internal error", 500)


def _answer(action: Answer, content_type: str) -> AwsError | Raw:
    if action.body is not None or action.content_type is not None or action.status < 400:
        return Raw(
            status=action.status,
            body=action.body or "",
            content_type=action.content_type or content_type,
            headers=action.headers,
        )
    usual = {429: "ThrottlingException", 403: "AccessDeniedException", 404: "ResourceNotFoundException"}
    usual |= {409: "ResourceInUseException", 503: "ServiceUnavailableException"}
    otherwise = "ServerException" if action.status >= 500 else "ClientException"
    error = AwsError(action.code or usual.get(action.status, otherwise), action.message, action.status)
    error.headers, error.exact_status = dict(action.headers), True
    return error


def _garbage(action: Garbage, content_type: str) -> Raw:
    cut = '{"nodegroup": {"nodegroupName": "we' if "json" in content_type else "<Response><Result><Na"
    match action.form:
        case "html502":
            return Raw(status=502, body=_HTML_502, content_type="text/html")
        case "truncated":
            return Raw(status=200, body=cut, content_type=content_type)
        case "wrongType":
            return Raw(status=200, body="OK", content_type="text/plain")
        case "empty":
            return Raw(status=200, body="", content_type=content_type)
