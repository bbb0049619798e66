"""The control plane itself: what it refuses, what it answers, and how it fails."""

import json
import os
import socket
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlane, ControlPlaneError, helm_path, programs
from support.controlplane import put_program

CHART = """
apiVersion: v2
name: probe
version: 0.1.0
kubeVersion: ">=1.30.0"
"""
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: probe}
data: {server: "{{ .Capabilities.KubeVersion.Version }}"}
"""


def test_server_and_client_tell_the_version_they_were_built_from(control_plane: ControlPlane) -> None:
    answer = control_plane.kubectl("version", "--output=json")

    versions = json.loads(answer.stdout)
    server = versions["serverVersion"]
    assert server["gitVersion"].startswith(f"v{server['major']}.{server['minor']}.")
    assert versions["clientVersion"]["gitVersion"].startswith("v1.")


def test_helm_installs_a_chart_that_asks_for_a_version(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    chart = tmp_path / "probe"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(CHART)
    (chart / "templates" / "probe.yaml").write_text(CONFIG_MAP)
    homes = {f"HELM_{kind}_HOME": str(tmp_path / kind) for kind in ("CACHE", "CONFIG", "DATA")}

    answer = subprocess.run(
        [
            helm_path(),
            f"--kubeconfig={control_plane.kubeconfig}",
            f"--namespace={namespace}",
            "install",
            "probe",
            chart,
        ],
        env=os.environ | homes,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    seen = control_plane.kubectl(
        "get", "configmap", "probe", f"--namespace={namespace}", "--output=jsonpath={.data.server}"
    )
    assert seen.stdout.startswith("v1.")


def test_rbac_refuses_a_user_until_a_role_is_bound(control_plane: ControlPlane, namespace: str) -> None:
    kubeconfig = control_plane.kubeconfig_for("ann", ["viewers"])
    listing = ("get", "configmaps", f"--namespace={namespace}")
    refused = control_plane.kubectl(*listing, kubeconfig=kubeconfig)
    assert refused.returncode != 0
    assert 'User "ann" cannot list resource "configmaps"' in refused.stderr

    role = ("--verb=list", "--resource=configmaps", f"--namespace={namespace}")
    binding = ("--role=viewers", "--group=viewers", f"--namespace={namespace}")
    control_plane.kubectl("create", "role", "viewers", *role).check_returncode()
    control_plane.kubectl("create", "rolebinding", "viewers", *binding).check_returncode()

    # The server hears of new rules a moment after it has stored them.
    assert any(control_plane.kubectl(*listing, kubeconfig=kubeconfig).returncode == 0 for _attempt in range(50))
    elsewhere = control_plane.kubectl("get", "configmaps", "--namespace=default", kubeconfig=kubeconfig)
    assert elsewhere.returncode != 0


def test_a_client_without_certificate_is_refused(control_plane: ControlPlane) -> None:
    host, port = control_plane.url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=control_plane.ca_file)
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        connection.sendall(b"GET /api/v1/namespaces HTTP/1.0\r\nHost: lab\r\n\r\n")
        status = connection.recv(64)

    assert status.startswith((b"HTTP/1.0 401", b"HTTP/1.0 403"))


def test_kubectl_reads_what_it_is_given(control_plane: ControlPlane, namespace: str) -> None:
    given = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "given", "namespace": namespace}}

    control_plane.kubectl("create", "--filename=-", input=json.dumps(given)).check_returncode()

    seen = control_plane.kubectl("get", "configmap", f"--namespace={namespace}", "--output=name")
    assert seen.stdout.split() == ["configmap/given"]


def test_a_user_that_fits_no_certificate_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(ValueError, match="1 to 64 characters"):
        control_plane.kubeconfig_for("x" * 65)


def test_two_run_side_by_side_and_one_comes_back_with_what_it_had(control_plane: ControlPlane, tmp_path: Path) -> None:
    second = ControlPlane(tmp_path / "second")
    # A thread that ends at once: the programs belong to the process, not to it.
    starter = threading.Thread(target=second.start)
    starter.start()
    starter.join()
    try:
        assert second.url != control_plane.url
        second.kubectl("create", "namespace", "kept").check_returncode()
        assert control_plane.kubectl("get", "namespace", "kept").returncode != 0
        user = second.kubeconfig_for("ann")
        foreign = second.kubectl("version", f"--server={control_plane.url}", kubeconfig=user)
        assert foreign.returncode != 0
        assert stat.S_IMODE((tmp_path / "second").stat().st_mode) == 0o700
        assert stat.S_IMODE(second.kubeconfig.stat().st_mode) == 0o600

        url = second.url
        second.stop()
        second.start()

        assert second.url == url
        second.kubectl("get", "namespace", "kept").check_returncode()
    finally:
        second.stop()
    assert second.kubeconfig.exists()


def test_a_directory_in_use_is_refused_and_left_alone(control_plane: ControlPlane) -> None:
    with pytest.raises(ControlPlaneError, match="belongs to another control plane"):
        ControlPlane(control_plane.data_dir).start()

    control_plane.kubectl("get", "namespaces").check_returncode()


def _stand_in(directory: Path) -> Path:
    real = programs()
    directory.mkdir()
    for path in (real.kube_apiserver, real.etcd, real.kubectl):
        (directory / path.name).symlink_to(path)
    return directory


def test_a_port_lost_to_another_program_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = programs().kube_apiserver
    assets = _stand_in(tmp_path / "assets")
    (assets / "kube-apiserver").unlink()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        seen = tmp_path / "seen"
        # The first time, the server is sent to a port that is not free.
        first = f'[ -e {seen} ] || {{ : > {seen}; exec {real} "$@" --secure-port={port}; }}'
        put_program(assets, "kube-apiserver", f'{first}\nexec {real} "$@"')
        monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))

        with ControlPlane() as plane:
            assert plane.url != f"https://127.0.0.1:{port}"
            plane.kubectl("get", "namespaces").check_returncode()
    assert seen.exists()


def test_a_program_that_ends_early_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = _stand_in(tmp_path / "assets")
    (assets / "etcd").unlink()
    put_program(assets, "etcd", "echo the disk is made of cheese; exit 3")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    plane = ControlPlane()

    with pytest.raises(ControlPlaneError, match=r"(?s)etcd ended with status 3.*made of cheese"):
        plane.start()

    assert not plane.data_dir.exists()
    plane.stop()


def test_a_program_of_another_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = _stand_in(tmp_path / "assets")
    (assets / "etcd").unlink()
    (assets / "etcd").write_bytes(b"\x7fELF of another machine")
    (assets / "etcd").chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))

    with pytest.raises(ControlPlaneError, match="Exec format error"):
        ControlPlane().start()


def test_before_it_is_started_it_says_so() -> None:
    with pytest.raises(ControlPlaneError, match=r"call start\(\) first"):
        _ = ControlPlane().url
