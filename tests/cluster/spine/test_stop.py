"""What keeps every cloud write back: the stop switch at once, and pause, mode Plan and Frozen from the start."""

from support.samples import CLOUDS, member, pool, stop_switch
from support.stage import Stage
from support.waiting import CLOCK, stays

STOPS_WITHIN_S = 5.0
QUIET_S = 4.0
STEP = {"maxNodesPerStep": 1, "stepPauseSeconds": 0, "scaleDownDelaySeconds": 0}


def test_no_write_later_than_five_seconds_after_the_stop_switch(stage: Stage) -> None:
    shrinking = [pool(cloud, member(cloud), replicas=40) for cloud in CLOUDS]
    stage.api.create_all([*shrinking, pool("rest", _batch(), replicas=2)])
    stage.operator().start()
    for cloud in CLOUDS:
        stage.until_nodes(cloud, 40)
    # One node a step: forty writes a cloud, one after the other, so that the switch meets a scale under way.
    for cloud in CLOUDS:
        stage.api.edit(cloud, spec={"replicas": 0, "disruption": STEP})
    stage.until(lambda: all(len(stage.resizes(cloud)) >= 3 for cloud in CLOUDS), "steps are under way")

    stage.api.create(stop_switch())
    stop_s = CLOCK.monotonic()
    for name in (*CLOUDS, "rest"):
        stage.until_condition(name, "Paused", "True", "StopSwitch", timeout_s=STOPS_WITHIN_S * 2)
    stage.until(lambda: CLOCK.monotonic() >= stop_s + STOPS_WITHIN_S, "five seconds passed")
    stopped = len(stage.cloud_writes())
    assert any(stage.requested(cloud, _cluster(cloud)) > 0 for cloud in CLOUDS), "there was nothing left to stop"
    stage.api.edit("rest", spec={"replicas": 7})
    stays(lambda: len(stage.cloud_writes()) == stopped, "no cloud write", for_s=QUIET_S, tell=stage.tell)

    stage.api.delete_config_map("multicloud-stop")
    stage.until(lambda: len(stage.resizes("aws")) > 3 and len(stage.cloud_writes()) > stopped, "it goes on")
    stage.until_nodes("rest", 7, member="aws")
    assert stage.condition("rest", "Paused") == ("False", "NotPaused")


def test_paused_plan_and_frozen_make_no_write_at_all(stage: Stage) -> None:
    annotated = pool("annotated", _batch(), replicas=9)
    annotated["metadata"]["annotations"] = {"multicloud.dev/paused": "true"}
    held = {
        "paused": pool("paused", member("aws"), replicas=9, paused=True),
        "annotated": annotated,
        "plan": pool("plan", member("azure"), replicas=9, mode="Plan"),
        "frozen": pool("frozen", member("gcp", state="Frozen"), replicas=9),
    }
    stage.api.create_all(list(held.values()))
    stage.operator().start()
    for name, body in held.items():
        stage.until_found(name, body["spec"]["members"][0]["name"])
        stage.until_desired(name, 9)
    stays(lambda: not stage.cloud_writes(), "no cloud write", for_s=QUIET_S, tell=stage.tell)
    assert stage.condition("paused", "Paused") == ("True", "Paused")
    assert stage.condition("annotated", "Paused") == ("True", "Paused")
    (planned,) = stage.status("plan")["plan"]["changes"]
    assert (planned["member"], planned["from"], planned["to"]) == ("azure", 4, 9)
    assert stage.member("frozen", "gcp")["reason"] == "MemberFrozen"

    stage.api.edit("paused", spec={"paused": False})
    stage.api.edit("annotated", metadata={"annotations": {"multicloud.dev/paused": None}})
    stage.api.edit("plan", spec={"mode": "Apply"})
    stage.api.edit("frozen", spec={"members": [member("gcp")]})
    for name, body in held.items():
        stage.until_nodes(name, 9, member=body["spec"]["members"][0]["name"])


def _batch() -> dict[str, object]:
    """Another node group, of two nodes."""
    return member("aws", eks={"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "batch"})


def _cluster(cloud: str) -> str:
    return "shop-batch" if cloud == "gcp" else "shop-prod"
