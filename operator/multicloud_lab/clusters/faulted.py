"""Faults in an API server's words: what a FaultedError of the gate becomes on a member cluster's wire."""

from multicloud_lab.clusters.errors import ApiError, Raw, too_many, unauthorized
from multicloud_lab.clusters.routes import Target
from multicloud_lab.core.faultkinds import Answer, AuthExpire, Deny, Garbage, Throttle
from multicloud_lab.core.faults import FaultedError

LONGEST_WAIT_S = 60.0
"""What a refusal for haste asks a client to wait at most: a bucket that never fills has no time of its own."""

_HTML = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"


def in_server_words(fault: FaultedError, principal: str, target: Target) -> ApiError | Raw:
    """Return what a call is answered with that a fault has hit."""
    action = fault.action
    match action:
        case Throttle():
            message = "Too many requests, please try again later."
            wait_s = min(fault.retry_after_s or 1.0, LONGEST_WAIT_S)
            return too_many(message, retry_after_s=max(1, round(wait_s)))
        case AuthExpire():
            return unauthorized()
        case Deny():
            return forbidden(principal, target)
        case Garbage():
            return _garbage(action)
        case Answer():
            return _answer(action)
    return ApiError(500, "InternalError", "Internal error occurred")


def _answer(action: Answer) -> ApiError | Raw:
    if action.body is None and action.content_type is None and action.status >= 400:
        return ApiError(action.status, action.code or "InternalError", action.message, headers=action.headers)
    return Raw(
        status=action.status,
        body=action.body or "",
        content_type=action.content_type or "application/json",
        headers=action.headers,
    )


def forbidden(principal: str, target: Target) -> ApiError:
    """Return RBAC's answer to a request for which there is no right."""
    resource = target.resource
    if resource is None:
        path = "/".join(target.path)
        return ApiError(403, "Forbidden", f'forbidden: User "{principal}" cannot get path "/{path}"')
    named = f' "{target.name}"' if target.name else ""
    verb, plural = ("create", "pods/eviction") if target.verb == "evict" else (target.verb, resource.plural)
    where = f' in the namespace "{target.namespace}"' if target.namespace else " at the cluster scope"
    message = (
        f'{plural}{named} is forbidden: User "{principal}" cannot {verb} resource "{plural}" '
        f'in API group "{resource.group}"{where}'
    )
    return ApiError(403, "Forbidden", message, details={"name": target.name, "kind": plural})


def _garbage(action: Garbage) -> Raw:
    match action.form:
        case "html502":
            return Raw(status=502, body=_HTML, content_type="text/html")
        case "truncated":
            return Raw(status=200, body='{"kind":"NodeList","apiVersion":"v1","metadata":{"resou')
        case "wrongType":
            return Raw(status=200, body="OK", content_type="text/plain")
        case "empty":
            return Raw(status=200, body="")
