"""One script through boto3 against two servers: the lab and moto's. Where they differ is written down, with the reason.

A difference that is not listed fails, and so does a listed one that is gone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from multicloud_lab.core.seed import AwsSeed, Seed
from multicloud_lab.thread import LabThread
from support.ekswire import client_of

ROLE = "arn:aws:iam::123456789012:role/nodes"
CLUSTER = {"clusterName": "shop"}
WEB = {"clusterName": "shop", "nodegroupName": "web"}
SIZES = {"minSize": 1, "maxSize": 5, "desiredSize": 2}
LONG_S = 1500

ALLOWED: Mapping[str, str] = {
    "create cluster: status": "moto's clusters are ACTIVE at once; EKS takes minutes, and the lab does",
    "create group: status": "moto's node groups are ACTIVE at once; EKS waits for their nodes, and the lab does",
    "create group: updateConfig": "moto drops updateConfig at creation",
    "create group: version": "moto shows 1.19 whatever the cluster has; EKS takes the cluster's version",
    "create group, sizes that do not fit: answer": "moto validates no sizes",
    "list groups of no cluster: answer": "moto answers 500 with a page of HTML; EKS's is ResourceNotFoundException",
    "resize: status": "moto's updates are Successful at once; EKS's take minutes",
    "resize: params": "moto's params are of a type that EKS's model does not have (ScalingConfig)",
    "resize above max: answer": "moto validates no sizes",
    "same token twice: one update": "moto remembers no tokens",
    "read the update: answer": "moto has no DescribeUpdate (404, a page of HTML)",
    "list updates: answer": "moto has no ListUpdates (404, a page of HTML)",
    "tag a group: answer": "moto tags clusters only",
    "delete group: status": "moto removes at once and shows the state from before; EKS shows DELETING",
    "delete cluster: status": "moto removes at once and shows the state from before; EKS shows DELETING",
    "auto scaling groups: count": "moto's node groups have no Auto Scaling groups",
}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def empty_lab() -> Iterator[LabThread]:
    with LabThread(Seed(aws=AwsSeed(account="123456789012", clusters=()))) as running:
        yield running


class Said:
    """What a server said, by step and field; `wait` lets its time pass."""

    def __init__(self, eks: Any, autoscaling: Any, sts: Any, lab: LabThread | None) -> None:
        self.eks, self.autoscaling, self.sts = eks, autoscaling, sts
        self._lab = lab
        self.facts: dict[str, object] = {}

    def wait(self) -> None:
        if self._lab is not None:
            self._lab.advance(LONG_S)

    def ask(self, step: str, call: Any, *fields: str, **given: Any) -> Any:
        """Ask, and note the answer's kind and the fields of what is in it."""
        try:
            answer = call(**given)
        except ClientError as error:
            response = error.response
            self.facts[f"{step}: answer"] = (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"])
            self.facts[f"{step}: message"] = response["Error"]["Message"]
            return {}
        self.facts[f"{step}: answer"] = ("200", answer.pop("ResponseMetadata")["HTTPStatusCode"])
        self.facts[f"{step}: members"] = sorted(answer)
        body: Any = next(iter(answer.values()), {})
        for field in fields:
            self.facts[f"{step}: {field}"] = body.get(field)
        return body


def walk(said: Said) -> None:
    eks = said.eks
    said.ask("who am I", said.sts.get_caller_identity)
    said.ask("list no clusters", eks.list_clusters)
    vpc = {"subnetIds": ["subnet-1", "subnet-2"]}
    made: dict[str, Any] = {
        "name": "shop",
        "roleArn": ROLE,
        "resourcesVpcConfig": vpc,
        "version": "1.33",
        "tags": {"a": "b"},
    }
    said.ask("create cluster", eks.create_cluster, "name", "arn", "version", "roleArn", "status", "tags", **made)
    said.wait()
    said.ask(
        "describe cluster", eks.describe_cluster, "name", "arn", "version", "roleArn", "status", "tags", name="shop"
    )
    said.ask("describe no cluster", eks.describe_cluster, name="nope")
    groups(said)
    resizing(said)
    said.ask("auto scaling groups", said.autoscaling.describe_auto_scaling_groups)
    found = said.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    said.facts["auto scaling groups: count"] = len(found)
    ending(said)


def groups(said: Said) -> None:
    eks = said.eks
    asked: dict[str, Any] = {
        **WEB,
        "subnets": ["subnet-1"],
        "nodeRole": ROLE,
        "scalingConfig": SIZES,
        "labels": {"l": "v"},
    }
    asked |= {"capacityType": "SPOT", "instanceTypes": ["m5.large"], "diskSize": 30, "tags": {"t": "v"}}
    fields = ("nodegroupName", "clusterName", "status", "capacityType", "scalingConfig", "instanceTypes", "subnets")
    more = ("nodeRole", "labels", "diskSize", "tags", "version", "updateConfig")
    asked["updateConfig"] = {"maxUnavailable": 2}
    said.ask("create group", eks.create_nodegroup, *fields, *more, **asked)
    said.wait()
    said.ask("create group twice", eks.create_nodegroup, **asked)
    said.ask("describe group", eks.describe_nodegroup, *fields, **WEB)
    said.ask("describe no group", eks.describe_nodegroup, **CLUSTER, nodegroupName="nope")
    said.ask("list groups of no cluster", eks.list_nodegroups, clusterName="nope")
    wrong = {**asked, "nodegroupName": "wrong", "scalingConfig": {"minSize": 4, "maxSize": 5, "desiredSize": 2}}
    said.ask("create group, sizes that do not fit", eks.create_nodegroup, **wrong)
    for name in ("alpha", "beta"):
        said.ask(f"create {name}", eks.create_nodegroup, **{**asked, "nodegroupName": name})
    said.wait()
    pages = eks.get_paginator("list_nodegroups").paginate(**CLUSTER, PaginationConfig={"PageSize": 1})
    listed = [name for page in pages for name in page["nodegroups"]]
    said.facts["pages"] = sorted(set(listed) - {"wrong"})


def resizing(said: Said) -> None:
    eks = said.eks
    sizes = {"scalingConfig": {"desiredSize": 3}, "clientRequestToken": "one"}
    update = said.ask("resize", eks.update_nodegroup_config, "status", "type", "params", "errors", **WEB, **sizes)
    again = said.ask("same token", eks.update_nodegroup_config, **WEB, **sizes)
    said.facts["same token twice: one update"] = update["id"] == again.get("id")
    said.ask("read the update", eks.describe_update, name="shop", nodegroupName="web", updateId=update["id"])
    said.ask("list updates", eks.list_updates, name="shop", nodegroupName="web")
    said.wait()
    said.ask("after the resize", eks.describe_nodegroup, "scalingConfig", "status", **WEB)
    said.ask("resize above max", eks.update_nodegroup_config, **WEB, scalingConfig={"desiredSize": 50})
    said.wait()
    said.ask("resize back", eks.update_nodegroup_config, "type", **WEB, scalingConfig={"desiredSize": 2})
    said.wait()
    labels = {"addOrUpdateLabels": {"new": "x"}, "removeLabels": ["l"]}
    said.ask("labels", eks.update_nodegroup_config, "type", **WEB, labels=labels)
    said.wait()
    said.ask("after labels", eks.describe_nodegroup, "labels", "scalingConfig", **WEB)
    shown = eks.describe_nodegroup(**WEB)["nodegroup"]
    said.ask("tag a group", eks.tag_resource, resourceArn=shown["nodegroupArn"], tags={"x": "y"})
    arn = eks.describe_cluster(name="shop")["cluster"]["arn"]
    said.ask("tag the cluster", eks.tag_resource, resourceArn=arn, tags={"x": "y"})
    said.ask("tags of the cluster", eks.list_tags_for_resource, "a", "x", resourceArn=arn)


def ending(said: Said) -> None:
    eks = said.eks
    said.ask("delete cluster with groups", eks.delete_cluster, name="shop")
    said.ask("delete group", eks.delete_nodegroup, "nodegroupName", "status", **WEB)
    for name in eks.list_nodegroups(**CLUSTER)["nodegroups"]:
        if name != "web":
            eks.delete_nodegroup(**CLUSTER, nodegroupName=name)
    said.wait()
    said.ask("the deleted group", eks.describe_nodegroup, **WEB)
    said.ask("delete cluster", eks.delete_cluster, "name", "status", name="shop")
    said.wait()
    said.ask("list no clusters again", eks.list_clusters)


def test_the_lab_and_moto_differ_where_it_is_written_down_only(empty_lab: LabThread, moto: str) -> None:
    def at_moto(service: str) -> Any:
        keys = {"aws_access_key_id": "AKIAMOTO", "aws_secret_access_key": "secret"}
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, region_name="us-east-1", endpoint_url=moto, config=config, **keys)

    ours = Said(client_of(empty_lab), client_of(empty_lab, "autoscaling"), client_of(empty_lab, "sts"), empty_lab)
    theirs = Said(at_moto("eks"), at_moto("autoscaling"), at_moto("sts"), None)
    walk(ours)
    walk(theirs)
    different = {
        fact: (ours.facts.get(fact), theirs.facts.get(fact))
        for fact in ours.facts.keys() | theirs.facts.keys()
        if ours.facts.get(fact) != theirs.facts.get(fact)
        # Another answer has other members and its own sentence: told once, as the answer.
        and not (follows(fact) and ours.facts.get(answer_of(fact)) != theirs.facts.get(answer_of(fact)))
    }
    unlisted = {fact: both for fact, both in sorted(different.items()) if fact not in ALLOWED}
    assert not unlisted, "\n".join(
        f"{fact}: {both[0]!r} in the lab, {both[1]!r} in moto" for fact, both in unlisted.items()
    )
    gone = sorted(ALLOWED.keys() - different.keys())
    assert not gone, f"differences that are gone must leave the list: {gone}"


def follows(fact: str) -> bool:
    return not fact.endswith(": answer") and answer_of(fact) != fact


def answer_of(fact: str) -> str:
    return f"{fact.partition(': ')[0]}: answer"
