"""Where the programs are taken from, on machines made of empty directories and shell scripts."""

from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlaneError, Programs, helm_path, programs
from multicloud_lab.controlplane.recipe import cache_directory, recipes
from support.controlplane import put_program

SERVER = ("kube-apiserver", "etcd", "kubectl")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Give this test a machine that has nothing yet."""
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return {"assets": tmp_path / "assets", "cache": cache_directory(), "path": tmp_path / "path"}


def put(directory: Path, *names: str) -> None:
    for name in names:
        put_program(directory, name)


@pytest.mark.parametrize(
    ("present", "taken_from"),
    [
        pytest.param(("assets", "cache", "path"), "assets", id="the directory named by the user first"),
        pytest.param(("cache", "path"), "cache", id="earlier builds before PATH"),
        pytest.param(("path",), "path", id="PATH before a build"),
    ],
)
def test_programs_are_taken_from(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], taken_from: str
) -> None:
    for place in present:
        put(places[place], *SERVER, "helm")
    if "assets" in present:
        monkeypatch.setenv("KUBEBUILDER_ASSETS", str(places["assets"]))

    home = places[taken_from]
    assert programs() == Programs(kube_apiserver=home / "kube-apiserver", etcd=home / "etcd", kubectl=home / "kubectl")
    assert helm_path() == home / "helm"


def test_an_incomplete_named_directory_is_an_error_that_names_what_is_absent(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(places["assets"], "kube-apiserver")
    put(places["path"], *SERVER)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(places["assets"]))

    with pytest.raises(ControlPlaneError, match=r"lacks etcd, kubectl.*setup-envtest"):
        programs()


def test_helm_may_be_elsewhere_than_the_named_directory(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(places["assets"], *SERVER)
    put(places["path"], "helm")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(places["assets"]))

    assert helm_path() == places["path"] / "helm"


def test_a_file_that_cannot_be_run_is_not_a_program(places: dict[str, Path]) -> None:
    put(places["cache"], *SERVER)
    (places["cache"] / "etcd").chmod(0o644)
    put(places["path"], *SERVER)

    assert programs().etcd == places["path"] / "etcd"


def test_every_release_has_a_cache_directory_of_its_own(places: dict[str, Path]) -> None:
    kubernetes = next(recipe.version for recipe in recipes() if recipe.name == "kube-apiserver")

    assert places["cache"].name.startswith(f"{kubernetes}-")
    assert places["cache"].parent.name == "controlplane"


def test_the_server_is_built_with_the_version_its_clients_parse() -> None:
    flags = {recipe.name: recipe.linker_flags for recipe in recipes()}

    assert "version.gitVersion=v1." in flags["kube-apiserver"]
    assert "version.gitVersion=v1." in flags["kubectl"]
    assert "version.version=v4." in flags["helm"]
