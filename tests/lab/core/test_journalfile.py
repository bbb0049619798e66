"""A journal file: what a fresh lab makes of it is the state that was, to the last digit; what is no journal is told."""

import json
from pathlib import Path

import pytest

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faultkinds import OperationFail, Partial, SlowNodes
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.journalfile import JournalFileError, read_journal, write_journal
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.replay import differences
from multicloud_lab.core.seed import AksCluster, AksPool, AzureSeed, Seed
from multicloud_lab.replaying import replayed
from multicloud_lab.serve import make_lab

ODD_S = 7.123456789


def started(path: Path, seed: Seed | None = None) -> Lab:
    lab = make_lab(seed, VirtualClock())
    write_journal(lab, path)
    return lab


def busy(lab: Lab) -> None:
    """Faults, hands, limits and clock steps in all clouds, at times that no rounding keeps."""
    lab.faults.place(Fault(action=SlowNodes(factor=1.7), match=Match(cloud="gcp")))
    lab.clock.advance(ODD_S)
    lab.faults.place(Fault(action=OperationFail(code="Unknown"), match=Match(cloud="azure"), times=1))
    lab.faults.place(Fault(action=Partial(nodes=1), match=Match(cloud="aws"), probability=0.5))
    hands = Hands(lab)
    for cloud in ("aws", "azure", "gcp"):
        hands.resize(cloud, "shop-prod", "web", 9)
        lab.clock.advance(ODD_S / 3)
    lab.clock.advance(200 + ODD_S)
    lab.capacity.set_free("aws", None, None, 2)
    hands.kill_node("azure", next(g for g in lab.machines() if g.cloud == "azure").nodes.nodes[0].name)
    lab.clock.advance(ODD_S)


def test_the_file_leads_to_the_same_state_to_the_last_digit(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    lab = started(path)
    busy(lab)
    recorded = read_journal(path)
    assert recorded.entries == tuple(lab.journal.entries())
    assert (recorded.seed, recorded.end_s) == (lab.seed, lab.journal.entries()[-1].time)
    again = replayed(recorded)
    again.clock.advance_to(lab.clock.now())
    assert differences(lab, again) == []


def test_a_lab_that_is_stopped_writes_where_its_clock_stood(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    lab = make_lab(Seed(), VirtualClock(factor=100))
    end = write_journal(lab, path)
    busy(lab)
    end()
    again = replayed(read_journal(path))
    assert again.clock.now() == lab.clock.now() > lab.journal.entries()[-1].time
    assert differences(lab, again) == []


def test_the_last_run_counts_after_a_reset_another_seed_and_another_lab(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    first = started(path)
    busy(first)
    pool = AksPool(name="web", count=6)
    first.reseed(Seed(random=7, azure=AzureSeed(clusters=(AksCluster(name="shop-prod", pools=(pool,)),))))
    busy(first)
    assert read_journal(path).seed.azure.clusters == first.seed.azure.clusters
    again = replayed(read_journal(path))
    again.clock.advance_to(first.clock.now())
    assert differences(first, again) == []
    started(path)
    assert (read_journal(path).entries, read_journal(path).seed) == ((), Seed())


def test_no_credential_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    started(path)
    assert "secret" not in path.read_text().lower()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "line 1: must be a run's head", id="empty"),
        pytest.param("not json", "line 1: is not JSON", id="no-json"),
        pytest.param('{"seed": {}, "startSeconds": 0}\n{"seq": 1}', "line 2: epochSeconds: ", id="no-entry"),
        pytest.param('{"seed": {"aws": 3}, "startSeconds": 0}', "seed.aws: ", id="seed"),
        pytest.param('{"seed": {}, "startSeconds": "0"}', "line 1: startSeconds: ", id="start"),
        pytest.param('{"seed": {}, "startSeconds": 0}\n{"endSeconds": NaN}', "line 2: endSeconds: ", id="end"),
        pytest.param("3", "line 1: the line: ", id="number"),
    ],
)
def test_what_is_no_journal_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "journal"
    path.write_text(text)
    with pytest.raises(JournalFileError) as told:
        read_journal(path)
    assert str(told.value).startswith(f"{path}: {said}")
    assert "\n" not in str(told.value)


def test_an_entry_without_its_exact_time_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    busy(started(path))
    rounded = []
    for line in path.read_text().splitlines():
        body = json.loads(line)
        body.pop("epochSeconds", None)
        rounded.append(json.dumps(body))
    path.write_text("\n".join(rounded))
    with pytest.raises(JournalFileError, match="line 2: epochSeconds"):
        read_journal(path)
