from pathlib import Path

import pytest
import yaml

from multicloud.cli.place import namespace_of

CONFIG = {
    "current-context": "here",
    "contexts": [
        {"name": "here", "context": {"cluster": "c", "namespace": "shop"}},
        {"name": "there", "context": {"cluster": "c", "namespace": "bank"}},
        {"name": "bare", "context": {"cluster": "c"}},
    ],
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(CONFIG))
    return file


@pytest.mark.parametrize(
    ("context", "namespace"),
    [(None, "shop"), ("there", "bank"), ("bare", "default"), ("unknown", "default")],
    ids=["current context", "a named one", "one without a namespace", "one that does not exist"],
)
def test_the_namespace_is_that_of_the_context(kubeconfig: Path, context: str | None, namespace: str) -> None:
    assert namespace_of(kubeconfig, context) == namespace


def test_several_files_of_the_environment_are_one(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first"
    first.write_text(yaml.safe_dump({"current-context": "there", "contexts": []}))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{kubeconfig}")
    assert namespace_of(None, None) == "bank"


def test_a_file_that_is_no_kubeconfig_is_left_to_the_connection(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("{{")
    assert namespace_of(file, None) == "default"
