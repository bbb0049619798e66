"""What all models of our kinds have in common: camelCase in manifests, frozen values, names that fit no path trick.

Every name that ends up in a URL of a vendor's API is bound to the characters that vendor allows, so that no field can
reach beyond the resource it names. The same patterns guard the API server (generated schema) and files read offline.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError
from pydantic.alias_generators import to_camel

_SHOWN_PROBLEMS: Final = 3
_OWN_WORDS: Final = "Value error, "


class Part(BaseModel):
    """A block of a manifest. Unknown fields are ignored: a newer or older schema may have left them behind."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, alias_generator=to_camel)


WholeNumber = Annotated[int, Strict()]
"""An integer that is written as one: neither a string nor true."""

Switch = Annotated[bool, Strict()]
"""True or false, not 1 or "yes"."""

Units = Annotated[WholeNumber, Field(ge=0, le=1_000_000)]
"""Units of capacity, 0 to 1,000,000."""

Nodes = Annotated[WholeNumber, Field(ge=0, le=10_000)]
"""Nodes over all zones, 0 to 10,000."""

Seconds = Annotated[WholeNumber, Field(ge=0, le=86_400)]
"""A time of the pool's own, up to a day."""

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
]
"""The name of a Kubernetes object."""

Label = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""A short name in lower case, as a DNS label."""

Guid = Annotated[
    str, Field(max_length=36, pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
]
"""An identifier of Azure: 32 hexadecimal digits in five groups."""

GcpProject = Annotated[
    str, Field(max_length=94, pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$")
]
"""A Google Cloud project id, with the domain in front where it has one."""

RoleArn = Annotated[
    str, Field(max_length=600, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-.0-~]+/)*[A-Za-z0-9_+=,.@-]{1,64}$")
]
"""The ARN of an IAM role of any partition, with its path."""

ExternalId = Annotated[str, Field(min_length=2, max_length=1224, pattern=r"^[A-Za-z0-9_+=,.@:/-]+$")]
"""What AWS allows as an external id."""

ServiceAccount = Annotated[
    str,
    Field(
        max_length=254,
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?@[a-z0-9]([-a-z0-9.]*[a-z0-9])?\.gserviceaccount\.com$",
    ),
]
"""The e-mail of a service account of Google Cloud."""

EnvironmentName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$")]
"""The name of a set of endpoints in the administrator's settings, or of one of the vendor's own."""


def rule(expression: str, message: str, *, field: str | None = None) -> dict[str, Any]:
    """Make one CEL rule of the schema. `field` is the path (`.minNodes`) that a refusal points to."""
    made = {"rule": expression, "message": message}
    return made if field is None else {**made, "fieldPath": field}


def rules(*made: dict[str, Any]) -> dict[str, Any]:
    """Attach CEL rules to a field or block, to be carried into the generated schema."""
    return {"x-kubernetes-validations": list(made)}


def problems(error: ValidationError, root: str) -> str:
    """Tell the first mistakes in one line, each with its path below `root`; the rest is counted."""
    found = told(error, root)
    shown = [f"{path}: {words}" for path, _, words in found[:_SHOWN_PROBLEMS]]
    more = len(found) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def told(error: ValidationError, root: str) -> Sequence[tuple[str, tuple[int | str, ...], str]]:
    """Every mistake: its path below `root`, the same in parts, and what is wrong."""
    found = error.errors(include_url=False, include_input=False)
    return [
        (_path(root, problem["loc"]), problem["loc"], _words(problem["msg"]))
        for problem in found
        # Entries that were refused are missed in their list: said of each of them already.
        if problem["type"] != "too_short" or not any(_inside(other["loc"], problem["loc"]) for other in found)
    ]


def _inside(loc: Sequence[int | str], outer: Sequence[int | str]) -> bool:
    return len(loc) > len(outer) and loc[: len(outer)] == outer


def _path(root: str, loc: Sequence[int | str]) -> str:
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _words(message: str) -> str:
    said = message.removeprefix(_OWN_WORDS)
    return said[:1].lower() + said[1:]
