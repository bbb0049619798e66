"""Auto Scaling and STS over HTTP as boto3 speaks them (query protocol: form in, XML out).

A request passes authentication, gate, engine and journal just as on the EKS wire.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import web

from multicloud_lab.core.clock import iso
from multicloud_lab.core.gate import Call
from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.engine import EksEngine
from multicloud_lab.eks.groups import describe_activities, describe_groups
from multicloud_lab.eks.identity import assume_role, assume_role_with_web_identity, caller_identity
from multicloud_lab.eks.model import Api, AwsError, load_api, request_id
from multicloud_lab.eks.serving import Asked, Result, make_call, serve
from multicloud_lab.eks.sessions import user
from multicloud_lab.eks.sigv4 import ANONYMOUS, authenticate, signed
from multicloud_lab.eks.state import Caller

Arguments = Mapping[str, Any]
Action = Callable[[EksEngine, Caller, Arguments], Result]

UNKNOWN = "UnknownOperationException"
"""AWS's word for a path or method that is no operation."""

UNSIGNED = {"AssumeRoleWithWebIdentity"}
"""Operations whose caller has no key yet."""
_CODES = {
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
    "ThrottlingException": ("Throttling", 400),
    "AccessDeniedException": ("AccessDenied", 403),
    "ServerException": ("InternalFailure", 500),
    "ServiceUnavailableException": ("ServiceUnavailable", 503),
}
"""The query protocol's own names, with their status, for what the JSON protocols call exceptions."""


AUTOSCALING: Mapping[str, Action] = {
    "DescribeAutoScalingGroups": lambda engine, caller, form: (describe_groups(engine, caller, form), None),
    "DescribeScalingActivities": lambda engine, caller, form: (describe_activities(engine, caller, form), None),
    "SetDesiredCapacity": lambda engine, caller, form: (None, engine.change("SetDesiredCapacity", caller, form)),
}
"""What the Auto Scaling port does."""

STS: Mapping[str, Action] = {
    "GetCallerIdentity": lambda _engine, caller, _form: (caller_identity(caller), None),
    "AssumeRole": lambda engine, caller, form: (assume_role(engine.sessions, caller, form), None),
    "AssumeRoleWithWebIdentity": lambda engine, _caller, form: (
        assume_role_with_web_identity(engine.sessions, form),
        None,
    ),
}
"""What the STS port does."""


def autoscaling_app(engine: EksEngine) -> web.Application:
    """Return the application of the Auto Scaling port."""
    return _app(engine, "autoscaling", AUTOSCALING)


def sts_app(engine: EksEngine) -> web.Application:
    """Return the application of the STS port."""
    return _app(engine, "sts", STS)


def _app(engine: EksEngine, service: str, actions: Mapping[str, Action]) -> web.Application:
    app = web.Application()
    query = _Query(engine, service, actions)
    app.router.add_post("/", query.handle)
    app.router.add_route("*", "/{tail:.*}", query.unknown)
    return app


class _Query:
    content_type = "text/xml"

    def __init__(self, engine: EksEngine, service: str, actions: Mapping[str, Action]) -> None:
        self._lab = engine.lab
        self._engine = engine
        self.service = service
        self._actions = actions
        self._api: Api = load_api(service)

    async def handle(self, request: web.Request) -> web.Response:
        flat = {str(name): str(value) for name, value in (await request.post()).items()}
        name = flat.get("Action", "")
        call = Call(cloud=CLOUD, operation=name or "no Action", principal=ANONYMOUS)
        try:
            caller = await self._caller(request, name)
            action = self._action(name)
            form = read_form(self._api, name, flat)
        except AwsError as error:
            self._lab.clock.catch_up()
            self._lab.record(call, result=error.code)
            return self.refuse(error)
        # A web identity's token is a credential: it stays out of the journal.
        told = {key: value for key, value in form.items() if key != "WebIdentityToken"}
        asked = Asked(
            caller=caller,
            call=make_call(name, caller, told),
            arguments=form,
            commit=lambda: action(self._engine, caller, form),
        )
        return await serve(self._engine, request, self, asked)

    async def unknown(self, request: web.Request) -> web.Response:
        """Answer what is no form at the root: AWS's front end says it before any protocol, with an empty element."""
        call = Call(cloud=CLOUD, operation=f"{request.method} {request.path}", principal=ANONYMOUS)
        self._lab.clock.catch_up()
        self._lab.record(call, result=UNKNOWN)
        answer = _xml(ET.Element(UNKNOWN), 404)
        answer.headers["x-amzn-RequestId"] = request_id(self._lab)
        return answer

    async def _caller(self, request: web.Request, name: str) -> Caller:
        seed = self._lab.seed.aws
        if name in UNSIGNED and "Authorization" not in request.headers:
            return user(ANONYMOUS, ANONYMOUS, seed.account, "us-east-1")
        return authenticate(seed, self._engine.sessions, await signed(request), self.service)

    def _action(self, name: str) -> Action:
        try:
            return self._actions[name]
        except KeyError:
            raise AwsError("InvalidAction", f"Could not find operation {name or '(none)'}") from None

    def accept(self, operation: str, body: dict[str, Any] | None) -> web.Response:
        """Write a result."""
        root = ET.Element(f"{operation}Response", xmlns=self._api.namespace)
        if body is not None:
            output = self._api.operations[operation]["output"]
            write(self._api, output["shape"], body, ET.SubElement(root, output["resultWrapper"]))
        ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = request_id(self._lab)
        return _xml(root, 200)

    def refuse(self, error: AwsError) -> web.Response:
        """Write a refusal under the query protocol's own name for it."""
        code, status = _CODES.get(error.code, (error.code, error.status))
        if error.exact_status:
            status = error.status
        if error.code == "ExpiredTokenException" and status == 403:
            code = "ExpiredToken"
        root = ET.Element("ErrorResponse", xmlns=self._api.namespace)
        body = ET.SubElement(root, "Error")
        ET.SubElement(body, "Type").text = "Sender" if status < 500 else "Receiver"
        ET.SubElement(body, "Code").text = code
        ET.SubElement(body, "Message").text = error.message
        ET.SubElement(root, "RequestId").text = request_id(self._lab)
        answer = _xml(root, status)
        answer.headers.update(error.headers)
        return answer


def read_form(api: Api, operation: str, flat: Mapping[str, str]) -> dict[str, Any]:
    """Return the form's members: `Names.member.1=a` becomes a list, by the types of the model.

    Raises AwsError (ValidationError) for what is not of its type.
    """
    form: dict[str, Any] = {}
    for member, shape in api.input_members(operation).items():
        value = _read(api, shape["shape"], member, flat)
        if value is not None:
            form[member] = value
    return form


def _read(api: Api, shape_name: str, prefix: str, flat: Mapping[str, str]) -> Any:
    shape = api.shapes[shape_name]
    if shape["type"] == "list":
        pattern = re.compile(re.escape(prefix) + r"\.member\.(\d+)(\..*)?")
        indexes = {int(match[1]) for match in map(pattern.fullmatch, flat) if match}
        items = [_read(api, shape["member"]["shape"], f"{prefix}.member.{i}", flat) for i in sorted(indexes)]
        return items or None
    if shape["type"] == "structure":
        read = {name: _read(api, s["shape"], f"{prefix}.{name}", flat) for name, s in shape["members"].items()}
        return {name: value for name, value in read.items() if value is not None} or None
    text = flat.get(prefix)
    if text is None:
        return None
    if shape["type"] in {"integer", "long"}:
        if not re.fullmatch(r"-?\d{1,10}", text):
            raise AwsError("ValidationError", f"{prefix} must be a whole number")
        return int(text)
    return text == "true" if shape["type"] == "boolean" else text


def write(api: Api, shape_name: str, value: Any, into: ET.Element) -> None:
    """Write a value of a shape as the query protocol's XML; a time is epoch seconds and becomes ISO 8601."""
    shape = api.shapes[shape_name]
    kind = shape["type"]
    if kind == "structure":
        for name, given in value.items():
            write(api, shape["members"][name]["shape"], given, ET.SubElement(into, name))
    elif kind == "list":
        for given in value:
            write(api, shape["member"]["shape"], given, ET.SubElement(into, "member"))
    elif kind == "boolean":
        into.text = "true" if value else "false"
    elif kind == "timestamp":
        into.text = iso(value)
    else:
        into.text = str(value)


def _xml(root: ET.Element, status: int) -> web.Response:
    # As text first: ElementTree encodes every piece by itself, which takes longer than everything else here.
    body = ET.tostring(root, encoding="unicode").encode()
    return web.Response(body=body, status=status, content_type="text/xml")
