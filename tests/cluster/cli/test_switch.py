import json
from typing import Any

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.commandline import multicloud_says


def switch(plane: ControlPlane, namespace: str) -> dict[str, Any] | None:
    """The data of the ConfigMap that every replica reads; None where there is none."""
    got = plane.kubectl("get", "configmap/multicloud-stop", f"--namespace={namespace}", "--output=json")
    if got.returncode != 0:
        return None
    data: dict[str, Any] = json.loads(got.stdout)["data"]
    return data


def says(plane: ControlPlane, *arguments: str) -> tuple[int, str]:
    said = multicloud_says(*arguments, f"--kubeconfig={plane.kubeconfig}")
    return said.returncode, said.stdout + said.stderr


def test_stop_sets_the_switch_changes_it_and_start_takes_it_away(control_plane: ControlPlane, namespace: str) -> None:
    place = ("-n", namespace)
    assert says(control_plane, "stop", "--shrink-only", *place)[0] == 0
    assert switch(control_plane, namespace) == {"shrinkOnly": "true"}
    assert says(control_plane, "stop", *place)[0] == 0
    assert switch(control_plane, namespace) == {"shrinkOnly": "false"}
    assert says(control_plane, "start", *place)[0] == 0
    assert switch(control_plane, namespace) is None


def test_start_where_nothing_is_stopped_says_so_and_is_no_error(control_plane: ControlPlane, namespace: str) -> None:
    code, told = says(control_plane, "start", "-n", namespace)
    assert code == 0
    assert namespace in told


def test_the_namespace_may_come_from_the_operators_own_setting(control_plane: ControlPlane, namespace: str) -> None:
    said = multicloud_says("stop", f"--kubeconfig={control_plane.kubeconfig}", MULTICLOUD_NAMESPACE=namespace)
    assert said.returncode == 0
    assert switch(control_plane, namespace) == {"shrinkOnly": "false"}


@pytest.mark.parametrize("who", ["administrator", "nobody"])
def test_a_stop_that_stops_nothing_is_an_error(control_plane: ControlPlane, namespace: str, who: str) -> None:
    nobody = control_plane.kubeconfig_for("nobody")
    where = ("-n", "no-such-namespace") if who == "administrator" else ("-n", namespace)
    config = control_plane.kubeconfig if who == "administrator" else nobody
    said = multicloud_says("stop", *where, f"--kubeconfig={config}")
    assert said.returncode == 1
    assert said.stdout == ""
    assert where[1] in said.stderr
