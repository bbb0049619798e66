"""Reads our objects as the API server stores them. `watch` and `cli` call it; the nouns go on to every stage.

An object that a newer or older schema left behind never crashes: what cannot be understood becomes a problem with the
field's path, and what its status remembers is kept.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from multicloud.kinds import annotations
from multicloud.kinds.cloudaccount import CloudAccountSpec
from multicloud.kinds.multicloudpool import MultiCloudPoolSpec
from multicloud.kinds.remembered import account_record, policy_record, pool_record
from multicloud.kinds.scalingpolicy import ScalingPolicySpec
from multicloud.kinds.shape import Part, problems
from multicloud.model.account import AccountObject, AccountSpec
from multicloud.model.policy import PolicySpec
from multicloud.model.reason import Code, Reason
from multicloud.model.record import PolicyRecord, PoolRecord
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PolicyObject, PoolObject, PoolSpec, StoredObject

_PartT = TypeVar("_PartT", bound=Part)
_SpecT = TypeVar("_SpecT")


class InvalidSpec(Exception):
    """A spec that cannot be understood. The text starts with the path of the field."""


def account_spec(body: Mapping[str, Any]) -> AccountSpec:
    """Read the spec of a CloudAccount. Raises InvalidSpec."""
    return _read(CloudAccountSpec, body).to_model()


def pool_spec(body: Mapping[str, Any]) -> PoolSpec:
    """Read the spec of a MultiCloudPool and the annotations that belong to it. Raises InvalidSpec."""
    noted = _annotations(body)
    spec = _read(MultiCloudPoolSpec, body)
    return spec.to_model(
        paused=annotations.switched_on(noted, annotations.PAUSED),
        scale_in_paused=annotations.switched_on(noted, annotations.SCALE_IN_PAUSED),
        adopted=annotations.adopted(noted),
        override=annotations.override(noted),
        approve=annotations.approve(_block(body.get("metadata"))),
        drift=annotations.steered(noted, spec.drift.to_model()),
    )


def policy_spec(body: Mapping[str, Any]) -> PolicySpec:
    """Read the spec of a ScalingPolicy. Raises InvalidSpec."""
    return _read(ScalingPolicySpec, body).to_model()


def account_object(body: Mapping[str, Any]) -> AccountObject:
    """Read a CloudAccount. A spec that cannot be understood is None, with `problem` saying why."""
    meta = _block(body.get("metadata"))
    spec, problem = _understood(account_spec, body)
    return AccountObject(
        key=_key(Kind.ACCOUNT, meta),
        uid=str(meta.get("uid", "")),
        generation=_generation(meta),
        resource_version=str(meta.get("resourceVersion", "")),
        spec=spec,
        problem=problem,
        paused=annotations.switched_on(_annotations(body), annotations.PAUSED),
        record=account_record(body.get("status")),
    )


def pool_object(body: Mapping[str, Any]) -> PoolObject:
    """Read a MultiCloudPool. A spec that cannot be understood is None, with `problem` saying why."""
    meta = _block(body.get("metadata"))
    spec, problem = _understood(pool_spec, body)
    return PoolObject(
        key=_key(Kind.POOL, meta),
        uid=str(meta.get("uid", "")),
        generation=_generation(meta),
        resource_version=str(meta.get("resourceVersion", "")),
        spec=spec,
        problem=problem,
        record_decision=annotations.record_decision(_annotations(body)),
        record=_remembered(body, meta, spec),
    )


def policy_object(body: Mapping[str, Any]) -> PolicyObject:
    """Read a ScalingPolicy. A spec that cannot be understood is None, with `problem` saying why."""
    meta = _block(body.get("metadata"))
    spec, problem = _understood(policy_spec, body)
    stranger = annotations.other_manager_of_status(meta)
    return PolicyObject(
        key=_key(Kind.POLICY, meta),
        uid=str(meta.get("uid", "")),
        generation=_generation(meta),
        resource_version=str(meta.get("resourceVersion", "")),
        created_at=_created(meta),
        pool=_pool_of(body, str(meta.get("namespace", ""))),
        spec=spec,
        problem=problem,
        record_decision=annotations.record_decision(_annotations(body)),
        record=policy_record(body.get("status")) if stranger is None else PolicyRecord(edited_by=stranger),
    )


def stored_object(body: Mapping[str, Any]) -> StoredObject:
    """Read an object of whichever of our kinds."""
    return _READERS[Kind(body["kind"])](body)


_READERS: Final[Mapping[Kind, Callable[[Mapping[str, Any]], StoredObject]]] = {
    Kind.ACCOUNT: account_object,
    Kind.POOL: pool_object,
    Kind.POLICY: policy_object,
}


def _remembered(body: Mapping[str, Any], meta: Mapping[str, Any], spec: PoolSpec | None) -> PoolRecord:
    """What the status remembers, if nobody else had a hand in it: what is claimed there would steer resizes."""
    stranger = annotations.other_manager_of_status(meta)
    return pool_record(body.get("status"), spec) if stranger is None else PoolRecord(edited_by=stranger)


def _understood(
    read: Callable[[Mapping[str, Any]], _SpecT], body: Mapping[str, Any]
) -> tuple[_SpecT | None, Reason | None]:
    """The spec, or why it cannot be understood."""
    try:
        return read(body), None
    except InvalidSpec as error:
        return None, Reason(code=Code.INVALID_SPEC, text=str(error))


def _read(model: type[_PartT], body: Mapping[str, Any]) -> _PartT:
    try:
        return model.model_validate(body.get("spec"))
    except ValidationError as error:
        raise InvalidSpec(problems(error, "spec")) from error


def _key(kind: Kind, meta: Mapping[str, Any]) -> ObjectKey:
    return ObjectKey(kind=kind, namespace=str(meta.get("namespace", "")), name=str(meta.get("name", "")))


def _pool_of(body: Mapping[str, Any], namespace: str) -> ObjectKey | None:
    name = _block(_block(body.get("spec")).get("poolRef")).get("name")
    return ObjectKey(kind=Kind.POOL, namespace=namespace, name=name) if isinstance(name, str) and name else None


def _created(meta: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(meta.get("creationTimestamp"))).astimezone(UTC)
    except (ValueError, OverflowError):
        return _BEFORE_ALL


_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _generation(meta: Mapping[str, Any]) -> int:
    generation = meta.get("generation")
    return generation if isinstance(generation, int) else 0


def _annotations(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return _block(_block(body.get("metadata")).get("annotations"))


def _block(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
