"""What `multicloud check --record` wrote, played back through the vendors' SDKs: the same facts come out.

The files are the lab's; one of a real cloud, sent by a user, is put beside them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multicloud.model.error import CloudError
from multicloud.model.ref import Cloud
from multicloud.model.size import Detail, NodePool
from multicloud_lab.core.tls import Tls
from multicloud_lab.thread import LabThread
from support.clouds import secret_of
from support.lab import lab
from support.recordings import FILES, Account, node_pools, record, replayed
from support.vendor import certificates

__all__ = ["lab"]

RECORDINGS = sorted(FILES.glob("*.json"))


@pytest.fixture(scope="module")
def tls() -> Iterator[Tls]:
    with certificates() as made:
        yield made


def accounts(content: dict[str, Any]) -> list[Account]:
    found: list[Account] = content["accounts"]
    return found


def check_replay(account: Account, tls: Tls) -> None:
    """Read the recorded node pools again; compare with what was found when they were recorded."""
    pools = node_pools(account)
    with replayed(account, tls) as door:
        told = door.node_pools.list(sorted({pool.cluster for pool in pools}), detail=Detail.FULL)
    for pool, recorded in zip(pools, account["nodePools"], strict=True):
        answer = told[pool.cluster]
        assert not isinstance(answer, CloudError), answer
        (facts,) = [each for each in answer if each.ref == pool]
        assert found(facts) == recorded["found"]


def found(facts: NodePool) -> dict[str, Any]:
    return {
        "claim": facts.claim,
        "requested": facts.requested,
        "nodes": facts.nodes,
        "ready": facts.ready,
        "readySource": str(facts.ready_source),
        "step": facts.step,
        "cloudMin": facts.cloud_min,
        "cloudMax": facts.cloud_max,
        "autoscaling": facts.autoscaling,
        "activity": str(facts.activity),
    }


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: file.stem)
def test_a_recording_read_again_gives_the_same_facts(file: Path, tls: Tls) -> None:
    for account in accounts(json.loads(file.read_text())):
        check_replay(account, tls)


@pytest.mark.parametrize("cloud", Cloud)
def test_what_the_command_records_now_can_be_read_again(lab: LabThread, cloud: Cloud, tls: Tls, tmp_path: Path) -> None:
    (account,) = accounts(record(lab, cloud, tmp_path))
    check_replay(account, tls)
    (recorded,) = [pool["found"] for pool in account["nodePools"]]
    assert (recorded["requested"], recorded["activity"]) == (7, "Busy")


@pytest.mark.parametrize("cloud", Cloud)
def test_no_name_no_id_and_no_secret_is_in_a_recording(lab: LabThread, cloud: Cloud, tmp_path: Path) -> None:
    text = json.dumps(record(lab, cloud, tmp_path))
    credentials = lab.document["credentials"]
    named = {"shop", "shop-prod", "shop-batch", "shop-prod-1", "111122223333", "127.0.0.1", "lab@", "user/lab", "web"}
    ids = {credentials["azure"][name] for name in ("tenantId", "clientId")} | {"00000000-0000-0000-0000-000000000001"}
    secrets = {value.decode() for value in secret_of(cloud, lab.document).values()}
    secrets |= {credentials["aws"]["accessKeyId"], "Bearer", "Signature", "PRIVATE KEY"}
    assert [word for word in named | ids | secrets if word in text] == []
