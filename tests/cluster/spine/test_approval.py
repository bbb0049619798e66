"""Plans that wait for a person, on the real API server: approved by kubectl alone, and by the command line."""

import json

from support.commandline import multicloud_says
from support.samples import member, pool
from support.stage import Resize, Stage

APPROVE = "multicloud.dev/approve"


def test_kubectl_alone_approves_and_each_approval_works_once(stage: Stage) -> None:
    stage.api.create(pool("web", member("aws"), replicas=7, mode="Plan"))
    stage.operator().start()
    stage.until_condition("web", "ApprovalRequired", "True", "ApprovalRequired")
    waiting = stage.kubectl("get", "mcpool/web", "--output=jsonpath={.status.plan.hash}")
    assert stage.resizes("aws") == []

    stage.kubectl("annotate", "mcpool/web", f"{APPROVE}={waiting}")
    stage.until_nodes("web", 7, member="aws")
    stage.until(lambda: stage.status("web")["approval"]["outcome"] == "PlanExecuted", "the plan is carried out")
    approval = stage.status("web")["approval"]
    assert (approval["hash"], approval["manager"]) == (waiting, "kubectl-annotate")
    assert stage.resizes("aws") == [Resize(4, 7)]

    stage.api.edit("web", spec={"replicas": 5})
    stage.until_condition("web", "ApprovalRequired", "True", "ApprovalUsed")
    assert stage.resizes("aws") == [Resize(4, 7)]


def test_the_command_line_approves_what_it_shows_and_refuses_the_rest(stage: Stage) -> None:
    stage.api.create(pool("web", member("aws", minNodes=2), replicas=1, mode="ApproveShrink"))
    stage.operator().start()
    stage.until_condition("web", "ApprovalRequired", "True", "ApprovalRequired")
    kubeconfig = (f"--kubeconfig={stage.plane.kubeconfig}", "-n", stage.namespace)

    foreign = multicloud_says("approve", "web", "0123456789abcdef", *kubeconfig)
    assert (foreign.returncode, foreign.stdout) == (1, "")
    assert "plan 0123456789abcdef cannot be approved: web published no such plan lately" in foreign.stderr

    planned = multicloud_says("plan", "web", "-o", "json", *kubeconfig)
    (shown,) = json.loads(planned.stdout)["pools"]
    assert (planned.returncode, shown["observed"]) == (2, True)
    assert [(one["member"], one["from"], one["to"]) for one in shown["plan"]["changes"]] == [("aws", 4, 2)]
    assert shown["plan"]["bindingConstraints"] == [{"name": "members[aws].minNodes", "costsPerHour": None}]
    assert stage.status("web")["plan"]["bindingConstraints"] == shown["plan"]["bindingConstraints"]

    said = multicloud_says("explain", "web", *kubeconfig)
    assert f"It waits for `multicloud approve web {shown['plan']['hash']}`" in said.stdout
    said = multicloud_says("approve", "web", *kubeconfig)
    assert said.returncode == 0, said.stderr
    assert "- aws: 4 → 2 nodes (ShrinkToWish)" in said.stdout
    stage.until_nodes("web", 2, member="aws")
    stage.until(lambda: stage.status("web")["approval"]["outcome"] == "PlanExecuted", "the plan is carried out")
    assert stage.status("web")["approval"]["manager"] == "multicloud-command-line"
    said = multicloud_says("approve", "web", *kubeconfig)
    assert "web has no plan that waits for an approval" in said.stderr
    assert multicloud_says("plan", "web", *kubeconfig).returncode == 0
    assert multicloud_says("cost", "web", *kubeconfig).stdout.split()[:4] == ["POOL", "NOW", "PLANNED", "SAVING"]
    assert stage.resizes("aws") == [Resize(4, 2)]
