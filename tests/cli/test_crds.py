from pathlib import Path

import pytest
import yaml

from multicloud.kinds.crd import crds, files
from support.commandline import multicloud_says


def test_the_definitions_are_printed_as_one_stream_of_yaml() -> None:
    said = multicloud_says("crds")
    assert said.returncode == 0
    assert list(yaml.safe_load_all(said.stdout)) == crds()


def test_the_definitions_are_written_as_files_and_named(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "here"
    said = multicloud_says("crds", "--write", str(directory))
    assert said.returncode == 0
    assert said.stdout == ""
    assert {file.name: file.read_text() for file in directory.iterdir()} == files()


@pytest.mark.parametrize("place", ["file", "file/crds"], ids=["a file in the way", "a file on the way"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    said = multicloud_says("crds", "--write", str(tmp_path / place))
    assert said.returncode != 0
    assert str(tmp_path / "file") in said.stderr
    assert "Traceback" not in said.stderr
