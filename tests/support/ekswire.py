"""boto3 on the lab, with every answer of every call checked against botocore's models.

botocore's own parser drops members that it does not know and never looks at enumerations, so the raw
bodies are checked here: unknown members, types, bounds, enumerations, error codes and their status.
"""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import boto3
from botocore.config import Config
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

from multicloud_lab.thread import LabThread


def client_of(
    lab: LabThread,
    service: str = "eks",
    *,
    attempts: int = 1,
    region: str = "us-east-1",
    key_id: str | None = None,
    secret: str | None = None,
    token: str | None = None,
    unchecked: str | None = None,
) -> Any:
    """Make a client; without retries unless told, so that every failure is seen. `unchecked`: why answers may be odd."""
    own = lab.document["credentials"]["aws"]
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url=lab.document[service]["url"],
        aws_access_key_id=key_id or own["accessKeyId"],
        aws_secret_access_key=secret or own["secretAccessKey"],
        aws_session_token=token,
        config=Config(read_timeout=15, retries={"total_max_attempts": attempts, "mode": "standard"}),
    )
    if unchecked is None:
        made.meta.events.register(f"before-parse.{made.meta.service_model.service_id.hyphenize()}.*", check_answer)
    return made


def check_answer(operation_model: OperationModel, response_dict: Mapping[str, Any], **_: object) -> None:
    status, body = response_dict["status_code"], response_dict["body"]
    if operation_model.service_model.metadata["protocol"] == "rest-json":
        if status >= 300:
            check_json_error(operation_model, response_dict)
        else:
            check_value(operation_model.output_shape, json.loads(body))
    elif status < 300:
        check_xml(operation_model, ET.fromstring(body))  # noqa: S314  (our own lab's answer)
    else:
        check_xml_error(operation_model, status, ET.fromstring(body))  # noqa: S314  (as above)


def check_json_error(operation_model: OperationModel, response: Mapping[str, Any]) -> None:
    code, body = response["headers"]["x-amzn-ErrorType"], json.loads(response["body"])
    modelled = {shape.name: shape for shape in operation_model.error_shapes}
    if code not in modelled:
        # What every operation may answer besides, which the model names on a few only.
        common = {"SerializationException": 400, "UnknownOperationException": 404, "ThrottlingException": 429}
        # CreateNodegroup in an unknown cluster: the service's answer, which the model does not name.
        common["ResourceNotFoundException"] = 404 if operation_model.name == "CreateNodegroup" else 0
        assert response["status_code"] == common.get(code, 403), code
        return
    assert response["status_code"] == modelled[code].metadata["error"]["httpStatusCode"]
    check_value(modelled[code], body)


def check_xml_error(operation_model: OperationModel, status: int, root: ET.Element) -> None:
    namespace = "{" + operation_model.service_model.metadata["xmlNamespace"] + "}"
    assert root.tag == f"{namespace}ErrorResponse"
    assert root.findtext(f"{namespace}RequestId")
    said = {child.tag.removeprefix(namespace): child.text for child in root.find(f"{namespace}Error") or ()}
    assert sorted(said) == ["Code", "Message", "Type"]
    modelled = [shape.metadata["error"] for shape in operation_model.error_shapes]
    expected = {str(error["code"]): error["httpStatusCode"] for error in modelled}
    # AWS's common errors of the query protocol, which no operation names.
    common = {"AccessDenied": 403, "ExpiredToken": 403, "InvalidClientTokenId": 403, "SignatureDoesNotMatch": 403}
    common |= {"Throttling": 400, "ValidationError": 400}
    assert status == expected.get(str(said["Code"]), common.get(str(said["Code"]))), said


def check_xml(operation_model: OperationModel, root: ET.Element) -> None:
    namespace = "{" + operation_model.service_model.metadata["xmlNamespace"] + "}"
    assert root.tag == f"{namespace}{operation_model.name}Response"
    assert root.find(f"{namespace}ResponseMetadata/{namespace}RequestId") is not None
    shape = operation_model.output_shape
    if shape is not None:
        result = root.find(f"{namespace}{operation_model.name}Result")
        assert result is not None
        check_value(shape, from_xml(shape, result, namespace))


def from_xml(shape: Shape, element: ET.Element, namespace: str) -> Any:
    if shape.type_name == "structure":
        tags = [child.tag.removeprefix(namespace) for child in element]
        assert set(tags) <= set(shape.members), f"unknown members {set(tags) - set(shape.members)}"
        return {tag: from_xml(shape.members[tag], child, namespace) for tag, child in zip(tags, element, strict=True)}
    if shape.type_name == "list":
        assert {child.tag for child in element} <= {f"{namespace}member"}
        return [from_xml(shape.member, child, namespace) for child in element]
    text = element.text or ""
    if shape.type_name == "boolean":
        return {"true": True, "false": False}[text]
    return int(text) if shape.type_name in {"integer", "long"} else text


def check_value(shape: Shape, value: Any) -> None:
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    check_enums(shape, value, shape.name)


def check_enums(shape: Shape, value: Any, path: str) -> None:
    if shape.type_name == "structure":
        for name, given in value.items():
            check_enums(shape.members[name], given, f"{path}.{name}")
    elif shape.type_name == "list":
        for given in value:
            check_enums(shape.member, given, f"{path}[]")
    elif shape.type_name == "map":
        for given in value.values():
            check_enums(shape.value, given, f"{path}{{}}")
    elif shape.type_name == "string" and shape.enum:
        assert value in shape.enum, f"{path} is {value!r}"
