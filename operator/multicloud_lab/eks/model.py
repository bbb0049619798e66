"""AWS's descriptions of its own APIs, read from botocore's data files: routes, members, bounds.

Only the data is used, so that names and URIs cannot drift from what boto3 sends; the code that
speaks HTTP is the wires'.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.loaders import Loader

from multicloud_lab.core.lab import Lab, RefusedError

Shape = dict[str, Any]


class AwsError(RefusedError):
    """A refusal in AWS's words; `fields` are the modelled extra members of the error (clusterName …).

    `exact_status`: a fault gave the HTTP status, so no protocol changes it.
    """

    def __init__(self, code: str, message: str, status: int = 400, **fields: str) -> None:
        """Keep the code, the sentence, the HTTP status and the extra members."""
        super().__init__(code, message)
        self.status = status
        self.fields = fields
        self.headers: dict[str, str] = {}
        self.exact_status = False


@dataclass(frozen=True, slots=True)
class Api:
    """One service's description."""

    namespace: str
    operations: dict[str, Any]
    shapes: dict[str, Shape]

    def route(self, operation: str) -> tuple[str, str]:
        """Return HTTP method and URI template."""
        http = self.operations[operation]["http"]
        return str(http["method"]), str(http["requestUri"])

    def input_members(self, operation: str) -> dict[str, Shape]:
        """Return the input's members by name (each names its own shape); empty if there is no input."""
        given = self.operations[operation].get("input")
        return {} if given is None else dict(self.shapes[given["shape"]]["members"])

    def required(self, operation: str) -> tuple[str, ...]:
        """Return the names of the input's members that must be given."""
        given = self.operations[operation].get("input")
        return () if given is None else tuple(self.shapes[given["shape"]].get("required", ()))


@cache
def load_api(service: str) -> Api:
    """Read the description of a service as botocore names it (eks, autoscaling, sts)."""
    raw = Loader().load_service_model(service, "service-2")
    return Api(
        namespace=str(raw["metadata"].get("xmlNamespace", "")),
        operations=raw["operations"],
        shapes=raw["shapes"],
    )


def request_id(lab: Lab) -> str:
    """Return an id for an answer, unique in a run and repeatable: the number of the journal's last entry."""
    return f"00000000-0000-4000-8000-{len(lab.journal):012d}"


def check(api: Api, shape_name: str, value: object, path: str) -> None:
    """Compare a JSON value with a shape.

    Raises AwsError: SerializationException for a wrong JSON type, InvalidParameterException for a
    value out of its bounds or not of its enumeration. Unknown members are ignored, as AWS does.
    """
    shape = api.shapes[shape_name]
    kind = shape["type"]
    if kind == "structure":
        _check_members(api, shape, _typed(value, dict, path), path)
    elif kind == "list":
        for index, given in enumerate(_typed(value, list, path)):
            check(api, shape["member"]["shape"], given, f"{path}[{index}]")
    elif kind == "map":
        for name, given in _typed(value, dict, path).items():
            check(api, shape["key"]["shape"], name, f"{path} key {name!r}")
            check(api, shape["value"]["shape"], given, f"{path}.{name}")
    elif kind in {"integer", "long"}:
        _bounded(shape, _integer(value, path), path)
    elif kind == "string":
        text = _typed(value, str, path)
        _bounded(shape, len(text), f"the length of {path}")
        if "enum" in shape and text not in shape["enum"]:
            raise AwsError("InvalidParameterException", f"{path} is {text}, but must be one of {shape['enum']}")
    elif kind == "boolean":
        _typed(value, bool, path)


def _check_members(api: Api, shape: Shape, given: dict[str, object], path: str) -> None:
    for name in shape.get("required", ()):
        if given.get(name) is None:
            raise AwsError("InvalidParameterException", f"{path}.{name} is missing")
    for name, value in given.items():
        if name in shape["members"] and value is not None:
            check(api, shape["members"][name]["shape"], value, f"{path}.{name}")


def _typed(value: object, kind: type[Any], path: str) -> Any:
    if not isinstance(value, kind):
        raise AwsError("SerializationException", f"{path} has the wrong JSON type")
    return value


def _integer(value: object, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise AwsError("SerializationException", f"{path} must be a whole number")
    return value


def _bounded(shape: Shape, number: int, what: str) -> None:
    low, high = shape.get("min"), shape.get("max")
    if low is not None and number < low:
        raise AwsError("InvalidParameterException", f"{what} is {number}, but must be at least {low}")
    if high is not None and number > high:
        raise AwsError("InvalidParameterException", f"{what} is {number}, but must be at most {high}")
