"""The generated definitions say what the models say, in the form the API server wants, and the tree holds them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field

from multicloud.kinds.crd import crds, files, main
from multicloud.kinds.reference import reference
from multicloud.kinds.shape import Part
from multicloud.kinds.structural import structural

_TREE = Path(__file__).parents[2]
_DIRECTORIES = ("crds", "deploy/crds", "charts/multicloud-operator/files/crds")
_PAGE = "docs/reference/crds.md"

_DEFAULTS = {
    "mode": "Apply",
    "paused": False,
    "adoption": "KeepSize",
    "currency": "USD",
    "allocation": {},
    "allocation.strategy": "Weighted",
    "allocation.spot": {},
    "allocation.spot.maxPercent": 100,
    "allocation.spot.minOnDemandReplicas": 0,
    "allocation.moveWhenSaving": {},
    "allocation.moveWhenSaving.percent": 10,
    "allocation.moveWhenSaving.forSeconds": 1800,
    "disruption": {},
    "disruption.maxNodesPerStep": 20,
    "disruption.maxUnavailablePercent": 10,
    "disruption.scaleDownDelaySeconds": 300,
    "disruption.maxSurgePercent": 10,
    "disruption.stepPauseSeconds": 300,
    "disruption.voluntaryMoves": "Observed",
    "disruption.windows.timeZone": "UTC",
    "drift": {},
    "drift.surplus": "Hold",
    "drift.deficit": "Correct",
    "drift.holdSeconds": 3600,
    "failover": {},
    "failover.provisionTimeoutSeconds": 900,
    "failover.lockTimeoutSeconds": 600,
    "failover.backoffSeconds": 300,
    "failover.maxBackoffSeconds": 1800,
    "failover.unreachableAfterSeconds": 600,
    "failover.whenUnreachable": "Hold",
    "failover.returnToPreferred": True,
    "failover.returnAfterSeconds": 1800,
    "members.state": "Active",
    "members.minNodes": 0,
    "members.cloudRange": "Respect",
    "members.unitsPerNode": 1,
    "members.weight": 1,
    "members.priority": 0,
    "members.capacityType": "OnDemand",
    "members.providerAutoscaling": {},
    "members.providerAutoscaling.policy": "Refuse",
    "members.providerAutoscaling.detect": "Auto",
}


_NAMELESS = {
    "spec.disruption.windows": "atomic",
    "spec.disruption.windows.allow": "set",
    "status.members.corrections": "atomic",
    "spec.behavior.scaleUp.policies": "atomic",
    "spec.behavior.scaleDown.policies": "atomic",
    "status.activeSchedules": "set",
    "status.history": "atomic",
}
"""Lists whose entries have no name, and how they are merged."""


def _schema(name: str) -> dict[str, Any]:
    found = {crd["spec"]["names"]["kind"]: crd for crd in crds()}[name]
    schema: dict[str, Any] = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        at = f"{path}.{name}".lstrip(".")
        yield at, field
        yield from _fields(field.get("items", field), at)


_ALL = ("CloudAccount", "MultiCloudPool", "ScalingPolicy")
_KINDS = pytest.mark.parametrize("kind", _ALL)


@_KINDS
def test_every_field_has_a_type_and_a_description(kind: str) -> None:
    bare = [path for path, field in _fields(_schema(kind)) if not field.get("description") and path != "metadata"]
    assert bare == []
    assert all("type" in field for _path, field in _fields(_schema(kind)))


@_KINDS
def test_lists_are_bounded_or_written_by_us_and_names_are_keys(kind: str) -> None:
    lists = {path: field for path, field in _fields(_schema(kind)) if field["type"] == "array"}
    for path, field in lists.items():
        if path.startswith("spec."):
            assert field["maxItems"] <= 100
        if not path.startswith("status.plan."):  # written as a whole, entries have no names of their own
            assert field["x-kubernetes-list-type"] == _NAMELESS.get(path, "map")
    keys = {path: field.get("x-kubernetes-list-map-keys") for path, field in lists.items()}
    assert keys["status.conditions"] == ["type"]
    assert keys.get("spec.members", ["name"]) == ["name"]


def test_the_defaults_are_those_of_the_design_and_replicas_has_none() -> None:
    spec = _schema("MultiCloudPool")["properties"]["spec"]
    assert {path: field["default"] for path, field in _fields(spec) if "default" in field} == _DEFAULTS


def test_every_string_of_a_spec_is_bounded() -> None:
    for kind in _ALL:
        for path, field in _fields(_schema(kind)["properties"]["spec"]):
            if field["type"] == "string":
                assert "enum" in field or ("maxLength" in field and "pattern" in field), path


def test_a_spec_never_takes_null_and_a_status_has_no_default() -> None:
    for kind in _ALL:
        whole = _schema(kind)["properties"]
        assert not [path for path, field in _fields(whole["spec"]) if field.get("nullable")]
        assert not [path for path, field in _fields(whole["status"]) if "default" in field]


class _TwoTypes(Part):
    either: int | str = Field(description="What no structural schema can say.")


class _Exclusive(Part):
    above: int = Field(gt=0, description="A bound that is left out by the schema's version.")


class _Silent(Part):
    field: int


@pytest.mark.parametrize("model", [_TwoTypes, _Exclusive, _Silent], ids=["two types", "exclusive bound", "no words"])
def test_what_a_structural_schema_cannot_say_is_refused_at_generation(model: type[Part]) -> None:
    with pytest.raises(ValueError, match=r"null|structural|description"):
        structural(model, nullable=False)


def test_the_tree_holds_the_generated_files(capsys: pytest.CaptureFixture[str]) -> None:
    directories = [str(_TREE / directory) for directory in _DIRECTORIES]
    assert main(["--check", *directories, "--reference", str(_TREE / _PAGE)]) == 0, capsys.readouterr().err


def test_written_files_are_read_as_the_definitions(tmp_path: Path) -> None:
    assert main(["--write", str(tmp_path / "crds"), "--reference", str(tmp_path / "page.md")]) == 0
    read = [yaml.safe_load((tmp_path / "crds" / name).read_text()) for name in files()]
    assert read == crds()
    assert (tmp_path / "page.md").read_text() == reference(crds())


@pytest.mark.parametrize("damage", ["changed", "missing", "left over"])
def test_check_names_what_differs(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--write", str(tmp_path)])
    name = next(iter(files()))
    if damage == "changed":
        (tmp_path / name).write_text("kind: Other\n")
    elif damage == "missing":
        (tmp_path / name).unlink()
    else:
        name = "gone.multicloud.dev.yaml"
        (tmp_path / name).write_text("kind: Other\n")
    assert main(["--check", str(tmp_path)]) == 1
    assert str(tmp_path / name) in capsys.readouterr().err


def test_the_reference_page_lists_every_field() -> None:
    page = reference(crds())
    for field in ("`spec.members[].gke.nodePool` *", "`status.members[].intent.from` *", "`spec.replicas`"):
        assert field in page
    assert "minNodes must not be above maxNodes" in page
