"""What a person does and sees with kubectl: scale, tables, describe, and consent to take node pools over."""

import json
import re

import pytest

from support.samples import CLOUDS, FOUND, member, pool
from support.stage import Stage
from support.waiting import stays

QUIET_S = 3.0


def _table(text: str) -> dict[str, dict[str, str]]:
    """A table of kubectl by name; columns as kubectl heads them."""
    head, *lines = text.splitlines()
    starts = [(match.group().strip(), match.start()) for match in re.finditer(r"\S+(?: \S+)*\s*", head)]
    rows = {}
    for line in lines:
        cells = {
            name: line[start : starts[index + 1][1] if index + 1 < len(starts) else None].strip()
            for index, (name, start) in enumerate(starts)
        }
        rows[cells["NAME"]] = cells
    return rows


def test_scale_works_where_replicas_is_absent_and_tables_tell(stage: Stage) -> None:
    stage.api.create(pool("web", *map(member, CLOUDS), minReplicas=6))
    stage.operator().start()
    for cloud in CLOUDS:
        stage.until_nodes("web", FOUND, member=cloud)
    assert "replicas" not in stage.api.pool("web")["spec"]
    status = stage.status("web")
    assert (status["desiredReplicas"], status["replicas"], status["desiredBy"]["kind"]) == (12, 12, "Hold")

    assert "scaled" in stage.kubectl("scale", "mcpool/web", "--replicas=30")
    for cloud in CLOUDS:
        stage.until_nodes("web", 10, member=cloud)
    stage.until_condition("web", "Reconciling", "False", "Settled")

    row = _table(stage.kubectl("get", "mcpool"))["web"]
    assert {key: row[key] for key in ("DESIRED", "READYUNITS", "MIN", "MAX", "READY", "REASON")} == {
        "DESIRED": "30",
        "READYUNITS": "30",
        "MIN": "6",
        "MAX": "100",
        "READY": "True",
        "REASON": "EnoughReady",
    }
    wide = _table(stage.kubectl("get", "mcpool", "--output=wide"))["web"]
    assert (wide["WISHED"], wide["DECIDEDBY"], wide["MODE"]) == ("30", "SpecReplicas", "Apply")
    accounts = _table(stage.kubectl("get", "cacct"))
    assert {name: row["READY"] for name, row in accounts.items()} == dict.fromkeys(CLOUDS, "True")
    assert all(row["IDENTITY"] for row in accounts.values())


def test_describe_tells_what_is_and_what_happened(stage: Stage) -> None:
    stage.api.create(pool("web", member("aws"), replicas=9))
    stage.operator().start()
    stage.until_nodes("web", 9, member="aws")
    stage.until(lambda: "Delivered" in json.dumps(stage.api.events()), "events are posted")
    told = stage.kubectl("describe", "mcpool/web")
    for line in (
        r"Desired Replicas:\s+9",
        r"Requested Nodes:\s+9",
        r"Ready Nodes:\s+9",
        r"Target Nodes:\s+9",
        r"Cluster:\s+shop-prod",
        r"Type:\s+Ready",
        r"Reason:\s+EnoughReady",
        r"ResizeAccepted.*member aws: from 4 to 9 nodes",
        r"Delivered.*member aws: from 4 to 9 nodes",
    ):
        assert re.search(line, told), f"{line} is not in\n{told}"
    assert "Warning" not in told, f"nothing went wrong, and yet a warning:\n{told}"


@pytest.mark.parametrize("consent", ["*", "named"])
def test_found_sizes_stand_until_the_owner_consents(stage: Stage, consent: str) -> None:
    keeping = pool("web", *map(member, CLOUDS), adoption="KeepSize", replicas=3)
    stage.api.create(keeping)
    stage.operator().start()
    stage.until_found("web", *CLOUDS)
    stage.until_condition("web", "AdoptionPending", "True", "AdoptionFloor")
    stays(lambda: not stage.cloud_writes(), "no cloud write", for_s=QUIET_S, tell=stage.tell)
    assert stage.condition("web", "Ready")[0] == "True"
    assert [stage.member("web", cloud)["adoptionFloor"] for cloud in CLOUDS] == [FOUND] * 3

    adopted = CLOUDS if consent == "*" else ("aws",)
    words = consent if consent == "*" else ",".join(adopted)
    stage.kubectl("annotate", "mcpool/web", f"multicloud.dev/adopt={words}")
    if consent == "*":
        for cloud in CLOUDS:
            stage.until_nodes("web", 1, member=cloud)
            assert stage.resizes(cloud)[-1].to == 1
        assert stage.condition("web", "AdoptionPending") == ("False", "NothingHeld")
    else:
        # The others keep their four each, which is more than the three that are wished.
        stage.until_nodes("web", 0, member="aws")
        assert stage.resizes("aws")[-1].to == 0
        assert [stage.resizes(cloud) for cloud in CLOUDS[1:]] == [[], []]
