"""Auto Scaling and STS over HTTP as boto3 speaks them (query protocol: form in, XML out).

A request passes authentication, gate, engine and journal just as on the EKS wire.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import web

from multicloud_lab.core.clock import iso
from multicloud_lab.core.gate import Call, CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.listen import hang_up
from multicloud_lab.eks.engine import CLOUD, EksEngine
from multicloud_lab.eks.groups import describe_groups, set_desired_capacity
from multicloud_lab.eks.identity import caller_identity
from multicloud_lab.eks.model import Api, AwsError, load_api, request_id
from multicloud_lab.eks.sigv4 import ANONYMOUS, authenticate, signed
from multicloud_lab.eks.state import Caller, Outcome

Form = Mapping[str, Any]
Action = Callable[[Caller, Form], tuple[dict[str, Any] | None, Outcome | None]]


_CODES = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "InvalidSignatureException": "SignatureDoesNotMatch",
}
"""The query protocol's own names for what the JSON protocols call exceptions."""


def autoscaling_app(lab: Lab, engine: EksEngine) -> web.Application:
    """Return the application of the Auto Scaling port."""
    return _app(
        lab,
        "autoscaling",
        {
            "DescribeAutoScalingGroups": lambda caller, form: (describe_groups(engine, caller, form), None),
            "SetDesiredCapacity": lambda caller, form: (None, set_desired_capacity(engine, caller, form)),
        },
    )


def sts_app(lab: Lab) -> web.Application:
    """Return the application of the STS port."""
    return _app(lab, "sts", {"GetCallerIdentity": lambda caller, _form: (caller_identity(caller), None)})


def _app(lab: Lab, service: str, actions: Mapping[str, Action]) -> web.Application:
    app = web.Application()
    app.router.add_post("/", _Query(lab, service, actions).handle)
    return app


class _Query:
    def __init__(self, lab: Lab, service: str, actions: Mapping[str, Action]) -> None:
        self._lab = lab
        self._service = service
        self._actions = actions
        self._api: Api = load_api(service)

    async def handle(self, request: web.Request) -> web.Response:
        flat = {str(name): str(value) for name, value in (await request.post()).items()}
        name = flat.get("Action", "")
        call = Call(cloud=CLOUD, operation=name or "no Action", principal=ANONYMOUS)
        try:
            caller = authenticate(self._lab.seed.aws, await signed(request), self._service)
            action = self._action(name)
            form = read_form(self._api, name, flat)
        except AwsError as error:
            self._lab.clock.catch_up()
            self._lab.record(call, result=error.code)
            return self._refuse(error)
        call = Call(cloud=CLOUD, operation=name, principal=caller.name, arguments=form)
        try:
            await self._lab.gate.before(call)
        except CallDroppedError:
            self._lab.record(call, result=DROPPED)
            return hang_up(request)
        answer = self._commit(call, caller, action, form)
        try:
            await self._lab.gate.after(call)
        except CallDroppedError:
            return hang_up(request)
        return answer

    def _action(self, name: str) -> Action:
        try:
            return self._actions[name]
        except KeyError:
            raise AwsError("InvalidAction", f"Could not find operation {name or '(none)'}") from None

    def _commit(self, call: Call, caller: Caller, action: Action, form: Form) -> web.Response:
        try:
            result, outcome = action(caller, form)
        except AwsError as error:
            self._lab.record(call, result=error.code)
            return self._refuse(error)
        if outcome is None:
            self._lab.record(call)
        else:
            self._lab.record(call, effective=outcome.effective, from_=outcome.from_, to=outcome.to)
        root = ET.Element(f"{call.operation}Response", xmlns=self._api.namespace)
        if result is not None:
            output = self._api.operations[call.operation]["output"]
            write(self._api, output["shape"], result, ET.SubElement(root, output["resultWrapper"]))
        ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = request_id(self._lab)
        return _xml(root, 200)

    def _refuse(self, error: AwsError) -> web.Response:
        root = ET.Element("ErrorResponse", xmlns=self._api.namespace)
        body = ET.SubElement(root, "Error")
        ET.SubElement(body, "Type").text = "Sender"
        ET.SubElement(body, "Code").text = _CODES.get(error.code, error.code)
        ET.SubElement(body, "Message").text = error.message
        ET.SubElement(root, "RequestId").text = request_id(self._lab)
        return _xml(root, error.status)


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
    body = ET.tostring(root, encoding="utf-8", xml_declaration=False)
    return web.Response(body=body, status=status, content_type="text/xml")
