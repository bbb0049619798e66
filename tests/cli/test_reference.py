import re
from pathlib import Path

import pytest

from multicloud.cli.reference.__main__ import main, pages
from multicloud.model.reason import Code

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def test_every_reason_is_explained_once() -> None:
    explained = re.findall(r"^\| \[?`(\w+)`", pages()["reasons.md"], re.MULTILINE)
    assert sorted(explained) == sorted(Code)


def test_every_setting_of_the_page_is_one_that_the_operator_takes(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| `(MULTICLOUD_\w+)` \|", pages()["settings.md"], re.MULTILINE)
    names = {name for name, _ in rows}
    assert {"namespace", "lease.durationSeconds", "clouds.aws.eks.url", "guard.maxRemovedNodes"} <= names
    assert ("clouds.gcp.token.caFile", "MULTICLOUD_CLOUDS__GCP__TOKEN__CA_FILE") in rows


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("multicloud_cloud_requests_total", "`provider`, `operation`, `code_class`"),
        ("multicloud_pool_units", "`namespace`, `pool`, `state`"),
        ("leader_election_master_status", "`name`"),
        ("multicloud_stop_switch", ""),
    ],
)
def test_metrics_are_listed_as_they_are_served(name: str, labels: str) -> None:
    (row,) = [line for line in pages()["metrics.md"].splitlines() if line.startswith(f"| `{name}` ")]
    assert row.split(" | ")[2] == labels


def test_the_pages_of_the_tree_are_as_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(DOCS)]) == 0, capsys.readouterr().err


def test_a_page_that_somebody_edited_is_found(tmp_path: Path) -> None:
    assert main(["--write", str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    (tmp_path / "reasons.md").write_text("edited")
    assert main(["--check", str(tmp_path)]) == 1
