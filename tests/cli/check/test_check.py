"""`multicloud check` as people run it, on the emulated clouds."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from multicloud.clouds.registry import policy_of
from multicloud.model.ref import Cloud
from multicloud_lab.core.faultkinds import Answer as AnswerFault
from multicloud_lab.core.faultkinds import Reset
from multicloud_lab.core.faults import Fault, Match
from support.checking import Bench
from support.clouds import GROUNDS, Ground, secret_of, wrong_secret_of
from support.commandline import multicloud_says
from support.vendor import Answer, closed_port
from support.world import account_bodies, members, pool_body

EACH = [(cloud, need.name) for cloud in GROUNDS for need in policy_of(cloud.cloud).needs]
IDS = [f"{cloud.cloud}-{name}" for cloud, name in EACH]


def states(table: str) -> dict[tuple[str, str], str]:
    """The table: by account and what it is about, how that stands."""
    rows = [line.split() for line in table.partition("\n\n")[0].splitlines()[1:] if line.strip()]
    return {(row[0], row[1]): row[2] for row in rows}


def account_in(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [account for account in found["accounts"] if account["name"] == name]
    return dict(one)


def problem(found: dict[str, Any], name: str) -> str:
    return str(account_in(found, name)["problem"]["reason"])


def test_all_is_well(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    said = ground.check()
    assert said.exit_code == 0, said.output
    told = states(said.stdout)
    assert set(told.values()) == {"ok"}
    for cloud in Cloud:
        about = {what for account, what in told if account == f"shop/{cloud}"}
        assert about == {"identity", "clock", "permissions", f"web/{cloud}"}
    assert "arn:aws:iam::111122223333:user/lab" in said.stdout
    assert "us-east-1/shop-prod/web: 4 requested, 4 there, 4 ready" in said.stdout


@pytest.mark.parametrize(("cloud", "name"), EACH, ids=IDS)
def test_each_permission_that_is_removed_is_named_and_no_other(ground: Bench, cloud: Ground, name: str) -> None:
    ground.given_cloud(cloud.cloud)
    cloud.give_policy(ground.lab)
    assert ground.found()[0] == 0
    cloud.give_policy(ground.lab, without=name)
    said = ground.check()
    assert said.exit_code == 1
    assert [about for (_, about), state in states(said.stdout).items() if state == "missing"] == [name]
    role = json.loads(said.stdout.partition("and no more:")[2])
    assert f'"{name}"' in json.dumps(role)


def test_as_a_process_it_says_nothing_else_and_ends(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    files = (f"--kubeconfig={ground.kubeconfig}", f"--settings={ground.settings}", "--namespace=shop")
    said = multicloud_says("check", *files, "--output=json")
    assert (said.returncode, said.stderr) == (0, "")
    assert json.loads(said.stdout)["fine"]


def test_wide_lists_what_is_granted_and_where_answers_came_from(ground: Bench) -> None:
    ground.given_cloud(Cloud.AWS)
    said = ground.check("--output=wide")
    told = states(said.stdout)
    for need in policy_of(Cloud.AWS).needs:
        assert told["shop/aws", need.name] == "ok"
        assert need.purpose in said.stdout
    assert ground.lab.document["eks"]["url"] in said.stdout


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_documents_hold_everything_and_null_for_what_is_unknown(ground: Bench, form: str) -> None:
    ground.given_cloud(Cloud.GCP)
    said = ground.check(f"--output={form}")
    found = yaml.safe_load(said.stdout)
    account = account_in(found, "gcp")
    assert (found["fine"], account["problem"], account["role"], account["ambientIdentity"]) == (True, None, None, False)
    assert abs(account["clockSkewSeconds"]) <= 5
    (member,) = account["members"]
    assert (member["requestedNodes"], member["readyNodes"], member["kubernetes"]) == (4, 4, "answers")
    assert member["cordons"] is True
    assert all(each["granted"] is True for each in account["permissions"])


def test_one_account_that_is_refused_hides_no_other(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    wrong = wrong_secret_of(Cloud.AZURE, ground.lab.document)
    ground.secret("azure-keys", wrong)
    code, found = ground.found()
    assert code == 1
    assert problem(found, "azure") == "AuthenticationFailed"
    assert account_in(found, "aws")["fine"]
    assert account_in(found, "gcp")["fine"]
    assert wrong["clientSecret"].decode() not in json.dumps(found)


def test_one_cloud_that_is_away_hides_no_other(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    settings = yaml.safe_load(ground.settings.read_text())
    settings["clouds"]["aws"]["eks"]["url"] = f"http://127.0.0.1:{closed_port()}"
    ground.settings.write_text(yaml.safe_dump(settings))
    code, found = ground.found()
    assert code == 1
    aws = account_in(found, "aws")
    assert aws["identity"]
    assert {each["name"]: each["granted"] for each in aws["permissions"]}["eks:ListNodegroups"] is None
    assert aws["members"][0]["problem"]["reason"] == "Unavailable"
    assert account_in(found, "azure")["fine"]
    assert account_in(found, "gcp")["fine"]


def test_a_secret_that_the_caller_may_not_read_is_told_with_where_to_run_it(ground: Bench) -> None:
    ground.given_cloud(Cloud.AWS)
    ground.api.answer("GET", "/secrets/aws-keys", Answer(status=403, body={"message": "secrets is forbidden"}))
    said = ground.check()
    assert said.exit_code == 1
    assert "SecretNotReadable" in said.stdout
    assert "kubectl exec" in said.stderr


def test_the_ambient_identity_is_checked_as_an_administrator_allows_it(ground: Bench) -> None:
    (body,) = [body for body in account_bodies(ground.lab.document["credentials"]) if body["metadata"]["name"] == "aws"]
    del body["spec"]["credentials"]
    ground.given([body], [])
    said = ground.check()
    assert said.exit_code == 1
    assert "AmbientIdentityNotAllowed" in said.stdout


def test_a_node_pool_that_is_not_there_is_no_missing_permission(ground: Bench) -> None:
    nowhere = {"eks": {"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "nosuch"}}
    ground.given_cloud(Cloud.AWS)
    ground.given(account_bodies(ground.lab.document["credentials"])[:1], [pool_body(members=members("aws", **nowhere))])
    code, found = ground.found()
    account = account_in(found, "aws")
    assert code == 1
    assert account["members"][0]["problem"]["reason"] == "NodePoolNotFound"
    assert all(each["granted"] for each in account["permissions"])


def test_members_that_belong_to_no_account_are_told(ground: Bench) -> None:
    ground.given([], [pool_body(members=members("aws"))])
    code, found = ground.found()
    assert code == 1
    assert found["astray"] == [
        {
            "what": "shop/web/aws",
            "problem": {
                "reason": "AccountNotFound",
                "message": "accountRef names CloudAccount aws, which does not exist in this namespace",
            },
        }
    ]


def test_a_member_of_another_cloud_than_its_account_is_told_and_not_asked_for(ground: Bench) -> None:
    wrong = [{**members("gcp")[0], "accountRef": {"name": "aws"}}]
    ground.given(account_bodies(ground.lab.document["credentials"])[:1], [pool_body(members=wrong)])
    code, found = ground.found()
    account = account_in(found, "aws")
    assert (code, account["members"][0]["problem"]["reason"], account["permissions"]) == (1, "WrongCloud", [])


def test_one_account_by_its_name(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    code, found = ground.found("gcp")
    assert (code, [account["name"] for account in found["accounts"]]) == (0, ["gcp"])


def test_an_account_that_does_not_exist_is_an_error(ground: Bench) -> None:
    ground.given_cloud(Cloud.AWS)
    said = ground.check("nosuch")
    assert (said.exit_code, said.stdout) == (1, "")
    assert "nosuch" in said.stderr


def test_without_accounts_there_is_nothing_wrong(ground: Bench) -> None:
    ground.given([], [])
    said = ground.check()
    assert (said.exit_code, said.stdout) == (0, "")
    assert "no CloudAccount" in said.stderr


def test_every_namespace_and_a_name_contradict_each_other(ground: Bench) -> None:
    assert ground.check("aws", "--all-namespaces").exit_code == 2


def test_an_api_server_that_is_away_is_told_in_one_line(ground: Bench) -> None:
    ground.kubeconfig.write_text(
        ground.kubeconfig.read_text().replace(ground.api.url, f"http://127.0.0.1:{closed_port()}")
    )
    said = ground.check()
    assert said.exit_code == 1
    assert len(said.stderr.splitlines()) == 1


def test_a_check_changes_nothing(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    before = len(ground.lab.journal())
    ground.check()
    entries = ground.lab.journal()[before:]
    assert not any(entry["effective"] for entry in entries)
    writes = {cloud.write for cloud in GROUNDS}
    tried = [entry for entry in entries if entry["operation"] in writes]
    assert [(entry["operation"], entry["result"]) for entry in tried] == [
        ("UpdateNodegroupConfig", "ResourceNotFoundException")
    ]
    assert ground.api.calls("POST") == ground.api.calls("PUT") == []


def test_no_output_holds_a_secret(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    for form in ("wide", "json"):
        said = ground.check(f"--output={form}")
        for cloud in Cloud:
            for value in secret_of(cloud, ground.lab.document).values():
                assert value.decode() not in said.output


def test_a_recording_goes_to_a_file_and_says_so(ground: Bench, tmp_path: Path) -> None:
    ground.given_cloud(Cloud.AZURE)
    file = tmp_path / "trace.json"
    said = ground.check(f"--record={file}")
    assert said.exit_code == 0
    assert str(file) in said.stderr
    (account,) = json.loads(file.read_text())["accounts"]
    assert {call["service"] for call in account["calls"]} == {"arm"}


def test_a_file_that_cannot_be_written_is_told(ground: Bench, tmp_path: Path) -> None:
    ground.given_cloud(Cloud.AWS)
    said = ground.check(f"--record={tmp_path / 'no' / 'such' / 'directory'}")
    assert said.exit_code == 1
    assert "name another file" in said.stderr


def test_a_cluster_that_does_not_let_us_in_is_told_and_is_no_fault(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    denied = AnswerFault(
        status=403, body='{"kind":"Status","message":"u cannot list resource \\"pods\\" in API group"}'
    )
    ground.lab.place(Fault(match=Match(cloud="kubernetes", operation="pods.list"), action=denied))
    code, found = ground.found()
    assert (code, found["fine"]) == (0, True)
    for account in found["accounts"]:
        (member,) = account["members"]
        assert member["kubernetes"].startswith("PermissionDenied: ")
        assert "list pods" in member["kubernetes"]
        assert member["cordons"] is None


def test_the_right_to_cordon_is_told_and_no_fault_to_be_without(ground: Bench) -> None:
    ground.given_cloud(Cloud.AZURE)
    assert "Kubernetes API answers, nodes may be cordoned\n" in ground.check().stdout
    principal = ground.lab.document["credentials"]["azure"]["clientId"]
    ground.lab.run(lambda lab: lab.permissions.deny(principal, "nodes.patch"))
    said = ground.check()
    assert said.exit_code == 0
    assert "Kubernetes API answers, nodes may not be cordoned (a choice)\n" in said.stdout
    unknown = Fault(match=Match(cloud="kubernetes", operation="selfsubjectaccessreviews.create"), action=Reset())
    ground.lab.place(unknown)
    code, found = ground.found()
    (member,) = account_in(found, "azure")["members"]
    assert (code, member["kubernetes"], member["cordons"]) == (0, "answers", None)


def test_a_question_changes_nothing(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    ground.check()
    entries = [entry for entry in ground.lab.journal() if entry["cloud"] == "kubernetes"]
    assert "selfsubjectaccessreviews.create" in {entry["operation"] for entry in entries}
    assert [entry["operation"] for entry in entries if entry["effective"]] == []
