"""Status as we write it, the scale subresource, and what people see, on the real API server."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from multicloud.decide.scale.policy import decide_policy
from multicloud.kinds.parse import account_object, policy_object, pool_object
from multicloud.kinds.policystatus import render_policy
from multicloud.kinds.status import render_account, render_pool
from multicloud.model.metric import JudgedPolicy
from multicloud.model.plan import MemberPlan, Plan
from multicloud.model.policy import Measured, PolicyHistory, PolicySpec, PoolStanding, Reading, Span
from multicloud.model.reason import Code, Reason
from multicloud.model.record import (
    AccountRecord,
    Claim,
    Condition,
    DecidedBy,
    Intent,
    LastResize,
    MemberRecord,
    PolicyRecord,
    PoolRecord,
)
from multicloud.model.size import NodePool, ReadySource
from multicloud_lab.controlplane import ControlPlane
from support.manifests import account, policy, pool

_NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_WHY = Reason(code=Code.GROW_FOR_WISH, text="Grows to the wish.")
_CONDITION = Condition(
    type="Ready", status=True, reason="EnoughReady", message="Enough.", observed_generation=1, since=_NOW
)
_EMPTY = PoolRecord(members=(MemberRecord(name="east"),))
_FULL = PoolRecord(
    observed_generation=1,
    requested=6,
    desired=6,
    decided_by=DecidedBy(kind="MultiCloudPool", name="web", reason="SpecReplicas", since=_NOW),
    members=(
        MemberRecord(
            name="east",
            claim=Claim(key="k", incarnation="i", since=_NOW),
            agreed=4,
            held_since=_NOW,
            adoption_floor=2,
            requested=4,
            nodes=5,
            ready=3,
            attempts=1,
            backoff_until=_NOW,
            intent=Intent(id="a", target=6, origin=4, started_at=_NOW, deadline=_NOW, operation="o"),
            last_resize=LastResize(id="b", origin=2, target=4, at=_NOW, outcome=_WHY),
        ),
    ),
    conditions=(_CONDITION,),
)


def _made(our_kinds: ControlPlane, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    body["metadata"]["namespace"] = namespace
    answer = our_kinds.kubectl("create", "--output=json", "--filename=-", input=json.dumps(body))
    answer.check_returncode()
    made: dict[str, Any] = json.loads(answer.stdout)
    return made


def _write_status(our_kinds: ControlPlane, made: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """Apply a whole status as the operator does: server-side, guarded by uid and resourceVersion."""
    meta = made["metadata"]
    guarded = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    body = {"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": guarded, "status": status}
    answer = our_kinds.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--subresource=status",
        "--field-manager=multicloud-operator",
        "--output=json",
        "--filename=-",
        input=json.dumps(body),
    )
    assert answer.returncode == 0, answer.stderr
    written: dict[str, Any] = json.loads(answer.stdout)
    return written


def _full_status() -> dict[str, Any]:
    seen = replace(pool_object(pool()), generation=1)
    assert seen.spec is not None
    proved = NodePool(
        ref=seen.spec.members[0].node_pool,
        claim="k",
        incarnation="i",
        requested=4,
        nodes=5,
        ready=3,
        ready_source=ReadySource.CLOUD,
    )
    east = MemberPlan(
        name="east",
        record=_FULL.members[0],
        target=6,
        ask=6,
        reason=_WHY,
        refusal=None,
        trouble=None,
        min_nodes=0,
        max_nodes=10,
    )
    plan = Plan(
        record=_FULL,
        members=(east,),
        ready=3,
        shortage=0,
        limited_by=Reason(code=Code.MAX_REPLICAS, text="Lowered to maxReplicas."),
        blocked=None,
        unsafe=None,
        wake_at=None,
        settled=False,
    )
    return render_pool(seen, plan, _FULL, _FULL.conditions, {"east": proved})


@pytest.mark.parametrize("record", [_EMPTY, _FULL], ids=["nothing known", "everything known"])
def test_what_a_pool_remembers_survives_the_api_server(
    our_kinds: ControlPlane, namespace: str, record: PoolRecord
) -> None:
    made = _made(our_kinds, namespace, pool())
    status = render_pool(pool_object(made), None, record, record.conditions)
    written = _write_status(our_kinds, made, status)
    assert written["status"] == status
    assert replace(pool_object(written).record, observed_generation=record.observed_generation) == record


def test_the_fullest_status_is_stored_as_written_and_again_changes_nothing(
    our_kinds: ControlPlane, namespace: str
) -> None:
    made = _made(our_kinds, namespace, pool())
    first = _write_status(our_kinds, made, _full_status())
    assert first["status"] == _full_status()
    again = _write_status(our_kinds, first, _full_status())
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_what_is_no_longer_so_is_gone_from_the_status(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, pool())
    seen = replace(pool_object(made), generation=1)
    calm = render_pool(seen, None, replace(_EMPTY, conditions=(_CONDITION,)), [_CONDITION])
    written = _write_status(our_kinds, made, _full_status())
    written = _write_status(our_kinds, written, calm)
    assert written["status"] == calm
    written = _write_status(our_kinds, written, _full_status())
    assert written["status"] == _full_status()


def test_a_member_that_left_is_gone_from_the_status(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, pool())
    one = _full_status()
    two = {**one, "members": [*one["members"], {**one["members"][0], "name": "west"}]}
    written = _write_status(our_kinds, _write_status(our_kinds, made, two), one)
    assert written["status"] == one


def test_what_an_account_remembers_survives_the_api_server(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, account())
    record = AccountRecord(observed_generation=1, identity=None, conditions=(_CONDITION,))
    written = _write_status(our_kinds, made, render_account(1, record, record.conditions))
    assert account_object(written).record == record


def test_kubectl_scale_works_with_replicas_absent(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, pool())
    _write_status(our_kinds, made, render_pool(pool_object(made), None, _EMPTY, ()))
    our_kinds.kubectl("scale", "mcpool/web", "--replicas=7", f"--namespace={namespace}").check_returncode()
    path = f"/apis/multicloud.dev/v1alpha1/namespaces/{namespace}/multicloudpools/web"
    assert json.loads(our_kinds.kubectl("get", "--raw", path).stdout)["spec"]["replicas"] == 7
    scale = json.loads(our_kinds.kubectl("get", "--raw", f"{path}/scale").stdout)
    assert scale["spec"] == {"replicas": 7}
    assert scale["status"] == {"replicas": 0, "selector": "multicloud.dev/pool=web"}


def test_kubectl_scale_shows_ready_units(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, pool(replicas=6))
    _write_status(our_kinds, made, _full_status())
    path = f"/apis/multicloud.dev/v1alpha1/namespaces/{namespace}/multicloudpools/web/scale"
    assert json.loads(our_kinds.kubectl("get", "--raw", path).stdout)["status"]["replicas"] == 3


def _table(our_kinds: ControlPlane, namespace: str, *args: str) -> dict[str, str]:
    lines = our_kinds.kubectl("get", *args, f"--namespace={namespace}").stdout.splitlines()
    starts = [head.start() for head in re.finditer(r"\S+", lines[0])]
    cells = [lines[1][start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
    row = dict(zip(lines[0].split(), cells, strict=True))
    return {head: cell for head, cell in row.items() if head != "AGE"}


def test_the_table_of_pools(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, pool())
    unknown = _write_status(our_kinds, made, render_pool(pool_object(made), None, _EMPTY, ()))
    before = {"NAME": "web", "DESIRED": "", "READYUNITS": "", "MIN": "1", "MAX": "10", "READY": "", "REASON": ""}
    assert _table(our_kinds, namespace, "mcpool") == before
    wide = {"WISHED": "", "LIMITEDBY": "", "DECIDEDBY": "", "MODE": "Apply", "PAUSED": "", "MESSAGE": ""}
    assert _table(our_kinds, namespace, "mcpool", "--output=wide") == {**before, **wide}
    _write_status(our_kinds, unknown, _full_status())
    known = {**before, "DESIRED": "6", "READYUNITS": "3", "READY": "True", "REASON": "EnoughReady"}
    assert _table(our_kinds, namespace, "mcpool") == known
    assert _table(our_kinds, namespace, "mcpool", "--output=wide") == {
        **known,
        **wide,
        "WISHED": "6",
        "LIMITEDBY": "MaxReplicas",
        "DECIDEDBY": "SpecReplicas",
        "MESSAGE": "Enough.",
    }


def test_the_table_of_accounts(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, account())
    unknown = _write_status(our_kinds, made, render_account(1, AccountRecord(), [_CONDITION]))
    row = {"NAME": "account", "PROVIDER": "aws", "READY": "True", "REASON": "EnoughReady", "IDENTITY": ""}
    assert _table(our_kinds, namespace, "cacct") == row
    _write_status(our_kinds, unknown, render_account(1, AccountRecord(identity="arn:x"), [_CONDITION]))
    assert _table(our_kinds, namespace, "cacct") == {**row, "IDENTITY": "arn:x"}


def test_what_a_policy_remembers_survives_the_api_server(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, policy())
    spans = (
        Span(start=_NOW, end=_NOW, high=9),
        Span(start=_NOW, end=_NOW, low=3, high=4, added=5),
    )
    record = PolicyRecord(
        observed_generation=1,
        desired=7,
        scaled_at=_NOW,
        history=PolicyHistory(spans=spans, desired=7),
        conditions=(_CONDITION,),
    )
    status = render_policy(record)
    written = _write_status(our_kinds, made, status)
    assert written["status"] == status
    assert policy_object(written).record == record


def _judged(spec: PolicySpec) -> JudgedPolicy:
    """What a pass over the smallest policy may come to."""
    standing = PoolStanding(current=5, ready=5, ready_known=True, low=1, high=10)
    reading = Reading(metric="rps", found=Measured(milli=1_400_250))
    decision = decide_policy(spec, (reading,), standing, PolicyHistory(), _NOW)
    return JudgedPolicy(
        spec=spec,
        standing=standing,
        readings=(reading,),
        history=PolicyHistory(),
        at=_NOW,
        decision=decision,
        lasting=decision.history,
    )


def test_the_table_of_policies_and_the_fullest_status(our_kinds: ControlPlane, namespace: str) -> None:
    made = _made(our_kinds, namespace, policy())
    row = {"NAME": "web", "POOL": "web", "DESIRED": "", "MIN": "", "MAX": "", "DECIDEDBY": "", "WHY": "", "READY": ""}
    assert _table(our_kinds, namespace, "scalepol") == row
    seen = policy_object(made)
    assert seen.spec is not None
    judged = _judged(seen.spec)
    record = PolicyRecord(observed_generation=1, desired=judged.decision.desired, conditions=(_CONDITION,))
    status = render_policy(record, judged)
    assert _write_status(our_kinds, made, status)["status"] == status
    assert status["metrics"][0] | {"message": ""} == {
        "name": "rps",
        "value": "1400.25",
        "target": "200",
        "proposedReplicas": 8,
        "failures": 0,
        "fallback": False,
        "reason": "AboveTarget",
        "message": "",
    }
    assert _table(our_kinds, namespace, "scalepol") == row | {
        "DESIRED": "8",
        "MIN": "1",
        "MAX": "10",
        "DECIDEDBY": "rps",
        "WHY": "AboveTarget",
        "READY": "True",
    }


def test_the_category_lists_every_kind(our_kinds: ControlPlane, namespace: str) -> None:
    _made(our_kinds, namespace, pool())
    _made(our_kinds, namespace, account())
    _made(our_kinds, namespace, policy())
    listed = our_kinds.kubectl("get", "multicloud", "--output=name", f"--namespace={namespace}").stdout.split()
    assert sorted(listed) == [
        "cloudaccount.multicloud.dev/account",
        "multicloudpool.multicloud.dev/web",
        "scalingpolicy.multicloud.dev/web",
    ]


def test_explain_tells_what_a_field_means(our_kinds: ControlPlane) -> None:
    told = our_kinds.kubectl("explain", "mcpool.spec.drift.holdSeconds").stdout
    assert "Seconds that a surplus is held" in told


def test_the_server_tells_whose_hand_was_in_a_status(our_kinds: ControlPlane, namespace: str) -> None:
    def seen() -> dict[str, Any]:
        got = our_kinds.kubectl(
            "get", "mcpool/web", f"--namespace={namespace}", "--output=json", "--show-managed-fields"
        )
        body: dict[str, Any] = json.loads(got.stdout)
        return body

    made = _made(our_kinds, namespace, pool("web", namespace))
    _write_status(our_kinds, made, _full_status())
    ours = pool_object(seen()).record
    assert ours.members
    scaled = our_kinds.kubectl("scale", "mcpool/web", f"--namespace={namespace}", "--replicas=7")
    assert scaled.returncode == 0, scaled.stderr
    assert pool_object(seen()).record == ours
    edit = ("--subresource=status", "--type=merge", '--patch={"status": {"desiredReplicas": 90}}')
    our_kinds.kubectl("patch", "mcpool/web", f"--namespace={namespace}", *edit).check_returncode()
    assert pool_object(seen()).record == PoolRecord(edited_by="kubectl-patch")
    _write_status(our_kinds, seen(), _full_status())
    assert pool_object(seen()).record == ours, "what we write is ours again"
