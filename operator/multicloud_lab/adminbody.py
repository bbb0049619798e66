"""Bodies and answers of the admin port: JSON in camelCase, a sentence for every mistake."""

import json
from typing import Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from multicloud_lab.core.mistakes import first_mistake

Cloud = Literal["aws", "azure", "gcp"]


class Body(BaseModel):
    """A request's body: nothing but its fields."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, allow_inf_nan=False
    )


BodyT = TypeVar("BodyT", bound=Body)


class AdvanceBody(Body):
    """POST /clock/advance."""

    seconds: float = Field(ge=0)


class HoldBody(Body):
    """POST /holds."""

    operation: str
    cloud: Cloud | None = None
    cluster: str | None = None
    pool: str | None = None
    when: Literal["before", "after"] = "before"
    nth: int = Field(default=1, ge=1)


class WaitBody(Body):
    """POST /holds/{id}/wait."""

    timeout_seconds: float = Field(default=10, ge=0)


class ReleaseBody(Body):
    """POST /holds/{id}/release."""

    action: Literal["continue", "drop"] = "continue"


class SizeBody(Body):
    """POST /hands/resize and /hands/autoscaler; `to` is in nodes of the whole pool."""

    cloud: Cloud
    cluster: str
    node_pool: str
    to: int = Field(ge=0)


class UpgradeBody(Body):
    """POST /hands/upgrade; `seconds` is how long the lock is held, virtual."""

    cloud: Cloud
    cluster: str
    node_pool: str
    seconds: float = Field(default=3600, gt=0)


class ReclaimBody(Body):
    """POST /hands/spot-reclaim: what is absent fits anything; `nodes` absent: all that fit."""

    cloud: Cloud
    cluster: str | None = None
    node_pool: str | None = None
    region: str | None = None
    zone: str | None = None
    nodes: int | None = Field(default=None, ge=1)


class KillBody(Body):
    """POST /hands/kill-node; `node` is the machine's or the Kubernetes node's name."""

    cloud: Cloud
    node: str


class PoolBody(Body):
    """POST /hands/abort, /hands/delete-pool and /hands/recreate-pool."""

    cloud: Cloud
    cluster: str
    node_pool: str


class ClusterBody(Body):
    """POST /hands/delete-cluster and /hands/recreate-cluster."""

    cloud: Cloud
    cluster: str


class CapacityBody(Body):
    """POST /capacity: how many more machines can be had; null: unlimited. Absent zone or type: any."""

    cloud: Cloud
    zone: str | None = None
    type: str | None = None
    free: int | None = Field(ge=0)


class QuotaBody(Body):
    """POST /quota: what an account (subscription, project) may have in a region; null: unlimited."""

    cloud: Cloud
    account: str
    region: str
    nodes: int | None = Field(default=None, ge=0)
    vcpus: int | None = Field(default=None, ge=0)


class DenyBody(Body):
    """POST /permissions/deny: patterns of an action and of resources."""

    principal: str
    action: str
    resource: str = "*"


class AllowBody(Body):
    """POST /permissions/allow: exactly these actions (patterns) of a cloud."""

    principal: str
    cloud: Cloud
    actions: tuple[str, ...]


class RestoreBody(Body):
    """POST /permissions/restore: what the seed says."""

    principal: str


async def read_json(request: web.Request) -> object:
    """Return the request's JSON, `{}` for no body. Raises ValueError."""
    text = await request.text()
    try:
        return json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        message = f"the body is not JSON: {error}"
        raise ValueError(message) from error


async def read(request: web.Request, kind: type[BodyT]) -> BodyT:
    """Return the request's body. Raises ValueError."""
    try:
        return kind.model_validate(await read_json(request))
    except ValidationError as error:
        raise ValueError(first_mistake(error, kind, whole="the body")) from error


def refuse(sentence: str) -> web.Response:
    """Answer a mistake."""
    return web.json_response({"error": sentence}, status=400)
