"""Pools of type VirtualMachines: sizes wished one by one, their machines, what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.replay import differences, play
from multicloud_lab.serve import make_lab
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, Pools, Send, engine_of

LONGEST_S = 300.0
MIXED = f"{CLUSTERS}/shop-prod/agentPools/mixed?api-version=2026-08-01"


def sizes(*pairs: tuple[str, int]) -> dict[str, Any]:
    manual = [{"size": size, "count": count} for size, count in pairs]
    return {"virtualMachinesProfile": {"scale": {"manual": manual}}}


MADE = {"type": "VirtualMachines", **sizes(("Standard_D2s_v5", 3), ("Standard_D4s_v5", 2))}


def put(send: Send, properties: dict[str, Any]) -> Any:
    return send("PUT", MIXED, json={"properties": properties})


def status_of(pools: Pools) -> dict[str | None, int | None]:
    return {each.size: each.count for each in pools.get("mixed").virtual_machine_nodes_status or []}


def test_it_is_made_scaled_and_emptied(lab: LabThread, send: Send, pools: Pools) -> None:
    assert put(send, MADE).status_code == 201
    lab.advance(LONGEST_S)
    made = pools.get("mixed")
    assert (made.provisioning_state, made.count, made.vm_size) == ("Succeeded", None, None)
    assert status_of(pools) == {"Standard_D2s_v5": 3, "Standard_D4s_v5": 2}
    machines = list(pools.azure.machines.list(GROUP, "shop-prod", "mixed"))
    assert len({machine.name for machine in machines}) == 5
    assert all("/virtualMachines/aks-mixed-" in str(m.properties and m.properties.resource_id) for m in machines)

    answer = put(send, sizes(("Standard_D2s_v5", 1), ("Standard_E2s_v5", 4)))
    assert (answer.status_code, answer.json()["properties"]["provisioningState"]) == (200, "Scaling")
    lab.advance(LONGEST_S)
    assert status_of(pools) == {"Standard_D2s_v5": 1, "Standard_E2s_v5": 4}
    entry = [entry for entry in lab.journal() if entry["operation"] == "AgentPools_CreateOrUpdate"][-1]
    assert (entry["from"], entry["to"]) == (5, 5)

    assert put(send, {**sizes(("Standard_D2s_v5", 0))}).status_code == 200
    lab.advance(LONGEST_S)
    assert list(pools.azure.machines.list(GROUP, "shop-prod", "mixed")) == []
    assert lab.violations() == []


def test_the_status_can_follow_the_machines(lab: LabThread, send: Send, pools: Pools) -> None:
    put(send, MADE)
    lab.advance(LONGEST_S)
    lab.run(_show_machines)
    put(send, sizes(("Standard_D2s_v5", 6), ("Standard_D4s_v5", 2)))
    assert status_of(pools)["Standard_D2s_v5"] == 3
    lab.advance(LONGEST_S)
    assert status_of(pools)["Standard_D2s_v5"] == 6


def _show_machines(inside: Lab) -> None:
    engine = engine_of(inside)
    engine.switches = replace(engine.switches, get_shows="actual")


def test_it_stops_and_starts(lab: LabThread, send: Send, pools: Pools) -> None:
    put(send, MADE)
    lab.advance(LONGEST_S)
    put(send, {"powerState": {"code": "Stopped"}})
    lab.advance(LONGEST_S)
    assert list(pools.azure.machines.list(GROUP, "shop-prod", "mixed")) == []
    put(send, {"powerState": {"code": "Running"}})
    lab.advance(LONGEST_S)
    assert len(list(pools.azure.machines.list(GROUP, "shop-prod", "mixed"))) == 5


def test_a_hand_resizes_its_last_sizes(lab: LabThread, send: Send, pools: Pools) -> None:
    put(send, MADE)
    lab.advance(LONGEST_S)
    lab.hands(lambda hands: hands.resize("azure", "shop-prod", "mixed", 2))
    lab.advance(LONGEST_S)
    assert status_of(pools) == {"Standard_D2s_v5": 2, "Standard_D4s_v5": 0}
    lab.hands(lambda hands: hands.resize("azure", "shop-prod", "mixed", 9))
    lab.advance(LONGEST_S)
    assert status_of(pools) == {"Standard_D2s_v5": 2, "Standard_D4s_v5": 7}


def ranges(*each: tuple[str, int, int]) -> dict[str, Any]:
    automatic = [{"size": size, "minCount": low, "maxCount": high} for size, low, high in each]
    return {"virtualMachinesProfile": {"scale": {"autoscale": automatic}}}


AUTO = {"type": "VirtualMachines", **ranges(("Standard_D2s_v5", 1, 4), ("Standard_D4s_v5", 2, 5))}


def test_an_autoscaled_one_starts_with_its_minima_and_moves_within_its_ranges(
    lab: LabThread, send: Send, pools: Pools
) -> None:
    made = put(send, AUTO)
    assert (made.status_code, made.json()["properties"]["enableAutoScaling"]) == (201, True)
    lab.advance(LONGEST_S)
    shown = pools.get("mixed")
    assert shown.virtual_machines_profile is not None
    assert shown.virtual_machines_profile.scale is not None
    profiles = shown.virtual_machines_profile.scale.autoscale or []
    assert [(each.size, each.min_count, each.max_count) for each in profiles] == [
        ("Standard_D2s_v5", 1, 4),
        ("Standard_D4s_v5", 2, 5),
    ]
    assert (shown.count, shown.min_count, shown.max_count) == (None, None, None)
    assert status_of(pools) == {"Standard_D2s_v5": 1, "Standard_D4s_v5": 2}
    etag = shown.e_tag
    lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "mixed", 8))
    lab.advance(LONGEST_S)
    assert status_of(pools) == {"Standard_D2s_v5": 3, "Standard_D4s_v5": 5}
    assert pools.get("mixed").e_tag != etag
    lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "mixed", 4))
    lab.advance(LONGEST_S)
    assert status_of(pools) == {"Standard_D2s_v5": 2, "Standard_D4s_v5": 2}
    assert len(list(pools.azure.machines.list(GROUP, "shop-prod", "mixed"))) == 4
    assert lab.violations() == []


@pytest.mark.parametrize("to", [2, 10])
def test_no_autoscaler_leaves_the_ranges(lab: LabThread, send: Send, to: int) -> None:
    put(send, AUTO)
    lab.advance(LONGEST_S)
    with pytest.raises(RefusedError, match="not within minCount 3 and maxCount 9"):
        lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "mixed", to))


def test_nobody_resizes_an_autoscaled_one_by_hand(lab: LabThread, send: Send) -> None:
    put(send, AUTO)
    lab.advance(LONGEST_S)
    with pytest.raises(RefusedError, match="is scaled by its autoscaler"):
        lab.hands(lambda hands: hands.resize("azure", "shop-prod", "mixed", 5))


def test_other_ranges_keep_the_nodes_that_they_have_room_for(lab: LabThread, send: Send, pools: Pools) -> None:
    put(send, {**AUTO, **ranges(("Standard_D2s_v5", 3, 4), ("Standard_D4s_v5", 2, 5))})
    lab.advance(LONGEST_S)
    answer = put(send, ranges(("Standard_D2s_v5", 0, 2), ("Standard_E2s_v5", 1, 3)))
    assert (answer.status_code, answer.json()["properties"]["provisioningState"]) == (200, "Scaling")
    lab.advance(LONGEST_S)
    assert status_of(pools) == {"Standard_D2s_v5": 2, "Standard_E2s_v5": 1}
    assert (
        put(send, ranges(("Standard_D2s_v5", 0, 2), ("Standard_E2s_v5", 1, 3))).json()["properties"][
            "provisioningState"
        ]
        == "Succeeded"
    )


def test_the_autoscaler_goes_on_and_off_with_its_profile(lab: LabThread, send: Send, pools: Pools) -> None:
    put(send, MADE)
    lab.advance(LONGEST_S)
    put(send, ranges(("Standard_D2s_v5", 1, 9), ("Standard_D4s_v5", 0, 1)))
    lab.advance(LONGEST_S)
    assert pools.get("mixed").enable_auto_scaling is True
    assert status_of(pools) == {"Standard_D2s_v5": 3, "Standard_D4s_v5": 1}
    put(send, sizes(("Standard_D2s_v5", 2)))
    lab.advance(LONGEST_S)
    assert pools.get("mixed").enable_auto_scaling is False
    assert status_of(pools) == {"Standard_D2s_v5": 2}
    assert lab.violations() == []


def test_an_autoscaled_one_stops_starts_and_loses_machines_down_to_its_minimum(
    lab: LabThread, send: Send, pools: Pools
) -> None:
    put(send, AUTO)
    lab.advance(LONGEST_S)
    lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "mixed", 5))
    lab.advance(LONGEST_S)
    put(send, {"powerState": {"code": "Stopped"}})
    lab.advance(LONGEST_S)
    assert list(pools.azure.machines.list(GROUP, "shop-prod", "mixed")) == []
    put(send, {"powerState": {"code": "Running"}})
    lab.advance(LONGEST_S)
    assert status_of(pools) == {"Standard_D2s_v5": 1, "Standard_D4s_v5": 4}
    lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "mixed", 3))
    lab.advance(LONGEST_S)
    names = [machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "mixed")]
    answer = send("POST", MIXED.replace("/mixed", "/mixed/deleteMachines"), json={"machineNames": names[:1]})
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, "agentPoolProfile.count")


@pytest.mark.parametrize(
    ("properties", "target"),
    [
        pytest.param({"type": "VirtualMachines"}, "virtualMachinesProfile.scale.manual", id="no-size"),
        pytest.param({**MADE, "count": 3}, "count", id="count"),
        pytest.param({**MADE, "vmSize": "Standard_D2s_v5"}, "vmSize", id="vm-size"),
        pytest.param(
            {"type": "VirtualMachines", **sizes(("a", -1))}, "virtualMachinesProfile.scale.manual", id="minus"
        ),
        pytest.param(
            {"type": "VirtualMachines", **sizes(("a", 1), ("a", 2))}, "virtualMachinesProfile.scale.manual", id="twice"
        ),
        pytest.param({**MADE, "enableAutoScaling": True}, "enableAutoScaling", id="autoscaler"),
        pytest.param({**AUTO, "enableAutoScaling": False}, "enableAutoScaling", id="no-autoscaler"),
        pytest.param({**AUTO, "minCount": 1}, "minCount", id="min-count"),
        pytest.param(
            {"type": "VirtualMachines", **ranges(("a", 3, 2))},
            "virtualMachinesProfile.scale.autoscale",
            id="min-above-max",
        ),
        pytest.param(
            {"type": "VirtualMachines", **ranges(("a", -1, 2))},
            "virtualMachinesProfile.scale.autoscale",
            id="minus-autoscaled",
        ),
        pytest.param(
            {"type": "VirtualMachines", **ranges(("a", 1, 2), ("a", 3, 4))},
            "virtualMachinesProfile.scale.autoscale",
            id="twice-autoscaled",
        ),
        pytest.param({"type": "VirtualMachines", **ranges(("a", 0, 1001))}, "minCount", id="range-too-wide"),
        pytest.param({**AUTO, "mode": "System", **ranges(("a", 0, 5))}, "count", id="system-pool-of-none"),
        pytest.param(
            {
                "type": "VirtualMachines",
                "virtualMachinesProfile": {
                    "scale": {
                        "manual": [{"size": "a", "count": 1}],
                        "autoscale": [{"size": "b", "minCount": 1, "maxCount": 2}],
                    }
                },
            },
            "virtualMachinesProfile.scale",
            id="both",
        ),
        pytest.param({**MADE, **sizes(("a", 1001))}, "count", id="too-many"),
        pytest.param({"vmSize": "a", **sizes(("a", 1))}, "virtualMachinesProfile", id="scale-set-with-sizes"),
    ],
)
def test_refused(send: Send, properties: dict[str, Any], target: str) -> None:
    answer = put(send, properties)
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, f"agentPoolProfile.{target}")
    assert send("GET", MIXED).status_code == 404


@pytest.mark.parametrize(
    "profile",
    [{"scale": "x"}, {"scale": [1]}, {"scale": {"manual": 5}}, {"scale": {"autoscale": {"size": "a"}}}, "x"],
    ids=["text", "list", "number", "map", "profile"],
)
def test_a_profile_of_another_shape_is_bad_content(send: Send, profile: Any) -> None:
    answer = put(send, {"type": "VirtualMachines", "virtualMachinesProfile": profile})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_what_was_done_to_an_autoscaled_one_can_be_done_again(lab: LabThread, send: Send, pools: Pools) -> None:
    put(send, AUTO)
    lab.advance(LONGEST_S)
    lab.hands(lambda hands: hands.autoscale("azure", "shop-prod", "mixed", 7))
    lab.advance(LONGEST_S)
    names = [machine.name for machine in pools.azure.machines.list(GROUP, "shop-prod", "mixed")]
    assert send(
        "POST", MIXED.replace("/mixed", "/mixed/deleteMachines"), json={"machineNames": names[-1:]}
    ).status_code == (202)
    lab.advance(20)
    put(send, {"powerState": {"code": "Stopped"}})

    def again(inside: Lab) -> list[str]:
        fresh = make_lab(inside.seed, VirtualClock(inside.clock.start))
        play(inside.journal.entries(), fresh, inside.clock.now())
        return differences(inside, fresh)

    assert lab.run(again) == []
