"""Requests to member clusters: authenticated, through the gate, answered from a cluster's objects, journalled.

The first four parts of a path name the cluster (`place`), the rest is the path of a Kubernetes API server. A cluster
that is not there, or not any more, answers as a closed port does.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from multicloud_lab.clusters import discovery
from multicloud_lab.clusters.awstoken import TokenError
from multicloud_lab.clusters.cluster import Cluster
from multicloud_lab.clusters.credentials import Credentials
from multicloud_lab.clusters.errors import ApiError, Json, Raw, bad_request, not_found, unauthorized
from multicloud_lab.clusters.faulted import forbidden, in_server_words
from multicloud_lab.clusters.place import Place
from multicloud_lab.clusters.reading import Wish, list_page, read_wish, watch, watch_start
from multicloud_lab.clusters.routes import HEALTH, Target, find_target
from multicloud_lab.clusters.tables import as_table, wants_table
from multicloud_lab.core.calls import Call
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.core.gate import CallDroppedError
from multicloud_lab.core.journal import DROPPED, KUBERNETES
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up

ANONYMOUS = "system:anonymous"
PLACE_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, read."""

    cluster: Cluster
    target: Target
    query: Mapping[str, str]
    content_type: str
    body: bytes
    host: str
    accept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out; `effective` when something was changed. A watch has its start instead of a body."""

    status: int = 200
    body: Json | str = ""
    effective: bool = False
    watch_from: int | None = None


class Api:
    """Every request to every member cluster."""

    def __init__(self, lab: Lab, find: Callable[[Place], Cluster | None], credentials: Credentials) -> None:
        """Serve the clusters that `find` finds to whom `credentials` know."""
        self._lab = lab
        self._find = find
        self._credentials = credentials
        self._open = True

    def close(self) -> None:
        """End every watch at its next look."""
        self._open = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; journal it once."""
        self._lab.clock.catch_up()
        parts = [unquote(part) for part in request.rel_url.raw_path.split("/")[1:]]
        cluster = self._cluster(parts)
        if cluster is None:
            return hang_up(request)
        try:
            target = find_target(request.method, parts[PLACE_PARTS:], request.query)
            wrong = None
        except ApiError as error:
            target, wrong = Target(operation=f"{request.method} /{'/'.join(parts[PLACE_PARTS:])}"), error
        call = _call(cluster.place, target, ANONYMOUS, {})
        try:
            principal = self._credentials.principal(cluster.place, request.headers.get("Authorization"))
        except TokenError as error:
            self._lab.record(_call(cluster.place, target, ANONYMOUS, {"why": str(error)}), result="Unauthorized")
            return _respond(unauthorized())
        asked = Asked(
            cluster=cluster,
            target=target,
            query=request.query,
            content_type=request.content_type,
            body=await request.read(),
            host=request.host,
            accept=request.headers.get("Accept", ""),
        )
        call = _call(cluster.place, target, principal, _arguments(asked))
        if wrong is not None:
            self._lab.record(call, result=wrong.reason)
            return _respond(wrong)
        return await self._pass(request, asked, call)

    def _cluster(self, parts: list[str]) -> Cluster | None:
        if len(parts) < PLACE_PARTS or not all(parts[:PLACE_PARTS]):
            return None
        cloud, account, location, name = parts[:PLACE_PARTS]
        return self._find(Place(cloud=cloud, account=account, location=location, cluster=name))

    async def _pass(self, request: web.Request, asked: Asked, call: Call) -> web.StreamResponse:
        """Take an authenticated request through the gate to its answer."""
        try:
            await self._lab.gate.before(call)
        except CallDroppedError:
            self._lab.record(call, result=DROPPED)
            return hang_up(request)
        except FaultedError as fault:
            worded = in_server_words(fault, call.principal, asked.target)
            self._lab.record(call, result=worded.reason if isinstance(worded, ApiError) else fault.result)
            return _respond(worded)
        if self._denied(asked, call.principal, asked.target.operation):
            refused = forbidden(call.principal, asked.target)
            self._lab.record(call, result=refused.reason)
            return _respond(refused)
        answer = self._commit(asked, call)
        try:
            await self._lab.gate.after(call)
        except CallDroppedError:
            return hang_up(request)
        except FaultedError as fault:
            answer = in_server_words(fault, call.principal, asked.target)
        if isinstance(answer, Answer) and answer.watch_from is not None:
            return await self._stream(request, asked, answer.watch_from)
        return _respond(self._formed(asked, answer))

    def _denied(self, asked: Asked, principal: str, operation: str) -> bool:
        """Say whether RBAC refuses: rights are there until somebody takes them away."""
        return self._lab.permissions.denies(principal, operation, asked.cluster.place.path)

    def _formed(self, asked: Asked, answer: Answer | ApiError | Raw) -> Answer | ApiError | Raw:
        """Return the answer as a table, if one is wished and there are objects to show."""
        resource = asked.target.resource
        if resource is None or not isinstance(answer, Answer) or not isinstance(answer.body, dict):
            return answer
        body = answer.body
        if asked.target.verb not in {"get", "list"} or not wants_table(asked.accept):
            return answer
        bodies = body["items"] if asked.target.verb == "list" else [body]
        metadata = body["metadata"] if asked.target.verb == "list" else {}
        return replace(answer, body=as_table(resource, bodies, metadata, self._lab.clock.now()))

    def _commit(self, asked: Asked, call: Call) -> Answer | ApiError | Raw:
        """Do what is asked for, and journal it."""
        asked.cluster.refresh()
        try:
            if asked.target.verb in {"get", "list"}:
                key = (asked.cluster.place, asked.target, tuple(sorted(asked.query.items())))
                answer = self._lab.faults.stale(call, key, lambda: _answer(asked))
            elif asked.target.verb == "review":
                answer = self._review(asked, call.principal)
            else:
                answer = _answer(asked)
        except ApiError as error:
            self._lab.record(call, result=error.reason)
            return error
        self._lab.record(call, effective=answer.effective)
        return answer

    def _review(self, asked: Asked, principal: str) -> Answer:
        """Say whether the asker may do what the review is about. Raises ApiError."""
        review = _json(asked.body)
        spec = review.get("spec")
        wish = spec.get("resourceAttributes") if isinstance(spec, dict) else None
        if not isinstance(wish, dict):
            raise bad_request("spec.resourceAttributes: the lab knows no other question")
        operation = f"{wish.get('resource', '')}.{wish.get('verb', '')}"
        allowed = not self._denied(asked, principal, operation)
        return Answer(status=201, body={**review, "status": {"allowed": allowed}})

    async def _stream(self, request: web.Request, asked: Asked, version: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})

        def refresh() -> bool:
            self._lab.clock.catch_up()
            asked.cluster.refresh()
            return self._open and asked.cluster.exists

        store, waited_s = asked.cluster.store, self._lab.clock.waited_s
        events = watch(store, _wish(asked), asked.query, version, refresh=refresh, waited_s=waited_s)
        try:
            await response.prepare(request)
            async for event in events:
                self._form_event(asked, event)
                await response.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
            await response.write_eof()
        except ConnectionError:
            pass  # the client has gone, which is how most watches end
        return response

    def _form_event(self, asked: Asked, event: Json) -> None:
        """Turn an event's object into a table, if one is wished."""
        resource = asked.target.resource
        if resource is None or event["type"] not in {"ADDED", "MODIFIED", "DELETED"} or not wants_table(asked.accept):
            return
        version = {"resourceVersion": event["object"]["metadata"]["resourceVersion"]}
        event["object"] = as_table(resource, [event["object"]], version, self._lab.clock.now())


def _answer(asked: Asked) -> Answer:
    """Do what is asked for. Raises ApiError."""
    target, store = asked.target, asked.cluster.store
    resource = target.resource
    if resource is None:
        return _plain(asked)
    if target.verb == "list":
        return Answer(body=list_page(store, _wish(asked), asked.query))
    if target.verb == "watch":
        _wish(asked)
        return Answer(watch_from=watch_start(store, asked.query))
    if target.verb == "patch":
        dry_run = "dryRun" in asked.query
        body = asked.cluster.patch_node(target.name, _json(asked.body), asked.content_type, dry_run=dry_run)
        return Answer(body=body, effective=not dry_run)
    if target.verb == "evict":
        return _evict(asked)
    found = store.get(resource.plural, (target.namespace, target.name))
    if found is None:
        raise not_found(resource.plural, target.name)
    return Answer(body=found)


def _evict(asked: Asked) -> Answer:
    target, body = asked.target, _json(asked.body)
    named = body.get("metadata", {}).get("name", target.name)
    if named != target.name:
        raise bad_request("name in URL does not match name in Eviction object")
    options = body.get("deleteOptions") or {}
    dry_run = "dryRun" in asked.query or bool(options.get("dryRun"))
    asked.cluster.evict((target.namespace, target.name), dry_run=dry_run)
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return Answer(status=201, body=status, effective=not dry_run)


def _plain(asked: Asked) -> Answer:
    path = asked.target.path
    if path[0] in HEALTH:
        return Answer(body="ok")
    if path == ("version",):
        return Answer(body=discovery.version_body(asked.cluster.version))
    if path == ("api",):
        return Answer(body=discovery.api_versions(asked.host))
    if path == ("apis",):
        return Answer(body=discovery.group_list())
    if path == ("api", "v1"):
        return Answer(body=discovery.resource_list(""))
    body = discovery.resource_list(path[1]) if len(path) > 2 else discovery.group_body(path[1])
    return Answer(body=body)


def _wish(asked: Asked) -> Wish:
    resource = asked.target.resource
    assert resource is not None
    return read_wish(resource, asked.target.namespace, asked.query)


def _json(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except ValueError:
        raise bad_request("the body of the request is not JSON") from None
    if not isinstance(body, dict):
        raise bad_request("the body of the request must be an object")
    return body


def _call(place: Place, target: Target, principal: str, arguments: Mapping[str, object]) -> Call:
    where = {"cloud": place.cloud, "account": place.account, "location": place.location}
    return Call(
        cloud=KUBERNETES,
        operation=target.operation,
        principal=principal,
        cluster=place.cluster,
        arguments={**where, **arguments},
    )


def _arguments(asked: Asked) -> dict[str, Any]:
    target = asked.target
    arguments: dict[str, Any] = {
        name: value for name, value in (("namespace", target.namespace), ("name", target.name)) if value
    }
    if asked.query:
        arguments["query"] = dict(asked.query)
    if target.verb == "patch":
        arguments["patch"] = asked.body.decode(errors="replace")
    return arguments


def _respond(answer: Answer | ApiError | Raw) -> web.Response:
    if isinstance(answer, ApiError):
        return web.json_response(answer.status(), status=answer.code, headers=answer.headers)
    if isinstance(answer, Raw):
        headers = {**answer.headers, "Content-Type": answer.content_type}
        return web.Response(status=answer.status, body=answer.body.encode(), headers=headers)
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body)
    return web.json_response(answer.body, status=answer.status)
