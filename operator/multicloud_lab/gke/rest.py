"""ClusterManager over REST: JSON in and out, at the paths of the discovery document.

Requests are parsed strictly into the same messages as gRPC's; what is absent is zero. Answers leave out
what is zero, write enums as names (as numbers with `$alt=json;enum-encoding=int`) and errors in Google's
envelope. What the API has nothing at is the front end's 404 page, which is no JSON.
"""

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types

from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.listen import hang_up
from multicloud_lab.gke.errors import Code, GoogleError, envelope, unimplemented, unreadable
from multicloud_lab.gke.faulted import RawAnswerError
from multicloud_lab.gke.frontend import not_found_page
from multicloud_lab.gke.methods import Method
from multicloud_lab.gke.routes import Routed, find
from multicloud_lab.gke.service import Containers

_SYSTEM = frozenset(
    {
        "$.xgafv",
        "$alt",
        "$prettyPrint",
        "access_token",
        "alt",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
    }
)
"""Query parameters that every method of the API takes (the discovery document's `parameters`)."""
_FORMATS = frozenset({"json", "json;enum-encoding=int", "json;enum-encoding=string"})
_OTHER_FORMATS = frozenset({"media", "proto"})
"""Formats that the API has and the lab has not."""
_UNKNOWN = re.compile(r'has no field named "(?P<field>[^"]+)"(?: at "(?P<at>[^"]*)")?')
_CAPITAL = re.compile(r"([A-Z])")
_JSON = "application/json"


class Rest:
    """The API's REST form."""

    def __init__(self, containers: Containers) -> None:
        """Serve these."""
        self._containers = containers

    def routes(self) -> list[web.RouteDef]:
        """Return the one route that takes every path: `routes.yaml` knows the real ones."""
        return [web.route("*", "/{path:.*}", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        routed = find(request.method, request.path, zone_paths=self._containers.zone_paths)
        if routed is None:
            return not_found_page(request)
        body = await request.read()
        try:
            return await self._answer(request, routed, body)
        except GoogleError as error:
            return error_response(error)
        except RawAnswerError as error:
            return raw_response(error)
        except CallDroppedError:
            return hang_up(request)

    async def _answer(self, request: web.Request, routed: Routed, body: bytes) -> web.Response:
        query = request.query
        parse = partial(_parse, routed, query, body, request.content_type)
        method, message = await self._containers.answer(routed.operation, parse, _authorization(request))
        numbers = query.get("$alt", "") == "json;enum-encoding=int"
        answer = json_format.MessageToDict(method.response.pb(message), use_integers_for_enums=numbers)
        pretty = query.get("prettyPrint", query.get("$prettyPrint", "true")) not in {"false", "0"}
        return web.Response(text=json.dumps(answer, indent=2 if pretty else None) + "\n", content_type=_JSON)


def error_response(error: GoogleError) -> web.Response:
    """Return Google's JSON error envelope; 401 names the scheme that is wanted."""
    headers = dict(error.headers)
    if error.canonical is Code.UNAUTHENTICATED:
        wrong = "" if error.reason == "CREDENTIALS_MISSING" else ', error="invalid_token"'
        headers["WWW-Authenticate"] = f'Bearer realm="https://accounts.google.com/"{wrong}'
    text = json.dumps(envelope(error), indent=2) + "\n"
    return web.Response(status=error.http_status, text=text, content_type=_JSON, headers=headers)


def raw_response(error: RawAnswerError) -> web.Response:
    """Return an answer byte for byte."""
    raw = error.raw
    headers = {**raw.headers, "Content-Type": raw.content_type}
    return web.Response(status=raw.status, body=raw.body.encode(), headers=headers)


def _authorization(request: web.Request) -> str | None:
    """Return the credential, which may stand in the query too."""
    token = request.query.get("access_token") or request.query.get("oauth_token")
    return request.headers.get("Authorization") or (f"Bearer {token}" if token else None)


def _parse(routed: Routed, query: Mapping[str, str], body: bytes, content_type: str, method: Method) -> Any:
    """Read a request: body first, then path and query. Raises GoogleError INVALID_ARGUMENT."""
    _check_format(query)
    message = method.request()
    pb = method.request.pb(message)
    if method.writes and body.strip():
        if content_type not in {_JSON, "application/octet-stream", "text/plain"}:
            raise unreadable(f"Invalid content type {content_type}: the body must be {_JSON}.")
        _parse_body(body, pb)
    fields = pb.DESCRIPTOR.fields_by_camelcase_name
    for name, value in query.items():
        if name in _SYSTEM:
            continue
        field = fields.get(name) or pb.DESCRIPTOR.fields_by_name.get(name)
        if field is None or field.message_type is not None:
            raise unreadable(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
                f"Field '{name}' could not be found in request message."
            )
        if not getattr(pb, field.name):
            _parse_body(json.dumps({field.json_name: value}).encode(), pb)
    setattr(pb, "parent" if "parent" in pb.DESCRIPTOR.fields_by_name else "name", routed.name)
    return message


def _check_format(query: Mapping[str, str]) -> None:
    wished = query.get("$alt") or query.get("alt") or "json"
    if wished in _OTHER_FORMATS:
        raise unimplemented(f"answers in the format {wished}")
    if wished not in _FORMATS:
        raise unreadable(f"Invalid value at 'alt' (type.googleapis.com/google.api.Alt), \"{wished}\"", "alt")
    if "fields" in query and query["fields"] != "*":
        raise unimplemented("partial answers (the query parameter fields)")


def _parse_body(body: bytes, pb: Any) -> None:
    try:
        given = json.loads(body)
        if not isinstance(given, dict):
            raise unreadable("Invalid JSON payload received. The body must be an object.")
        json_format.ParseDict(given, pb)
    except json_format.ParseError as error:
        raise _unreadable(str(error)) from None
    except ValueError as error:
        raise unreadable(f"Invalid JSON payload received. {error}") from None


def _unreadable(told: str) -> GoogleError:
    unknown = _UNKNOWN.search(told)
    if unknown is None:
        return unreadable(f"Invalid JSON payload received. {told}")
    # The parser's path begins with the message's own name; Google writes the fields as in the proto.
    within = _CAPITAL.sub(r"_\1", (unknown["at"] or "").partition(".")[2]).lower()
    place = f" at '{within}'" if within else ""
    return unreadable(
        f'Invalid JSON payload received. Unknown name "{unknown["field"]}"{place}: Cannot find field.', within
    )
