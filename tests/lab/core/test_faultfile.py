"""Fault files: every kind there and back, and each mistake told in one line with file and field."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from multicloud_lab.core.faultfile import KINDS, fault_json, load_faults, read_fault
from multicloud_lab.core.faultkinds import Answer, Hang, Throttle
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.seed import SeedError
from multicloud_lab.operationnames import OPERATIONS


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_is_written_and_read_back(name: str) -> None:
    kind = KINDS[name]
    needed = {"status": 503, "ms": 5.0, "seconds": 7.0}
    given = {each.name: needed[each.name] for each in fields(kind) if each.default is each.default_factory is MISSING}
    fault = Fault(
        action=kind(**given),  # type: ignore[arg-type]  # of whichever kind
        match=Match(operation="X", cloud="aws", nth=2),
        when="after",
        times=3,
        probability=0.5,
        window=(1, None),
    )
    assert read_fault(fault_json(fault)) == fault


def test_a_file_is_a_list_and_a_kind_alone_is_its_name(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(
        "- {action: hang, match: {operation: DescribeNodegroup}}\n"
        "- {action: {kind: throttle, burst: 5, perS: 0.5}, window: {fromSeconds: 60, untilSeconds: 120}}\n"
        "- {action: {kind: answer, status: 500, contentType: text/plain, headers: {Retry-After: '3'}}, times: 2}\n"
    )
    assert load_faults(path, OPERATIONS) == [
        Fault(action=Hang(), match=Match(operation="DescribeNodegroup")),
        Fault(action=Throttle(burst=5, per_s=0.5), window=(60, 120)),
        Fault(action=Answer(status=500, content_type="text/plain", headers={"Retry-After": "3"}), times=2),
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param("action: hang", "must be a list", id="not a list"),
        pytest.param("- hang", "[0]: must be a map with action, match, probability, times, when, window", id="not a mapping"),
        pytest.param("- {match: {}}", "[0].action: must be given", id="no action"),
        pytest.param("- {action: hung}", "[0].action.kind: 'hung' is not one of hang, ", id="unknown kind"),
        pytest.param("- {action: {}}", "[0].action.kind: None is not one of", id="no kind"),
        pytest.param("- {action: hang}\n- {action: answer}", "[1].action.status: must be given", id="kind without its field"),
        pytest.param("- {action: {kind: answer, status: 99}}", "[0].action: status is 99, but it must be 200 to 599", id="status"),
        pytest.param("- {action: {kind: hang, ms: 5}}", "[0].action.ms: is no field: there are kind", id="another kind's field"),
        pytest.param("- {action: {kind: garbage, form: xml}}", "[0].action.form: must be 'html502', 'truncated', 'wrongType' or 'empty'", id="unknown form"),
        pytest.param("- {action: hang, match: {cloud: oracle}}", "[0].match.cloud: must be 'aws', 'azure', 'gcp' or 'kubernetes'", id="unknown cloud"),
        pytest.param("- {action: hang, match: {nth: 0}}", "[0].match.nth", id="counted from 1"),
        pytest.param("- {action: hang, when: during}", "[0].when", id="unknown moment"),
        pytest.param("- {action: hang, probability: 2}", "[0].probability", id="beyond certainty"),
        pytest.param("- {action: hang, window: {fromSeconds: 9, untilSeconds: 3}}", "[0]: window is (9.0, 3.0)", id="window"),
        pytest.param("- {action: {kind: latency, ms: .nan}}", "[0].action.ms", id="not a number"),
        pytest.param("- {action: hang, matches: {}}", "[0].matches: is no field: there are match, ", id="unknown field"),
        pytest.param("- {action: hang, match: {claster: a}}", "[0].match.claster: is no field: there are cluster, ", id="unknown field of match"),
        pytest.param("- {action: hang, match: {operation: UpdateNodeGroupConfig}}", "[0].match.operation: UpdateNodeGroupConfig is no operation: there are UpdateNodegroupConfig, UpdateNodegroupVersion, ", id="unknown operation"),
        pytest.param("- {action: hang, match: {cloud: gcp, operation: UpdateNodegroupConfig}}", "[0].match.operation: UpdateNodegroupConfig is no operation of gcp: there are UpdateNodePool, ", id="another cloud's operation"),
        pytest.param("- {action: hang, action: reset}", "line 1: action stands twice in a map", id="twice"),
        pytest.param("- [", "is not YAML", id="not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_file_and_field(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(SeedError) as told:
        load_faults(path, OPERATIONS)
    assert str(told.value).startswith(f"{path}: ")
    assert where in str(told.value)
    assert "\n" not in str(told.value)
