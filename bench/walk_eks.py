"""The EKS walk, with boto3 alone: `python -m bench.walk_eks [FILE with the lab's document]`."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from bench.walking import expect, run, say, wait_until
from botocore.config import Config
from botocore.exceptions import ClientError

WEB = {"clusterName": "shop-prod", "nodegroupName": "web"}
TO = 7


def refused(call: Callable[[], object]) -> str:
    """Return the code that a call is refused with, "accepted" when it is not."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


def walk(document: dict[str, Any]) -> None:
    """Refusals that change nothing, one token twice, a second resize meanwhile, the update, the instances."""
    own = document["credentials"]["aws"]

    def client(service: str) -> Any:
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=document[service]["url"],
            aws_access_key_id=own["accessKeyId"],
            aws_secret_access_key=own["secretAccessKey"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    eks, autoscaling = client("eks"), client("autoscaling")

    def group() -> dict[str, Any]:
        found: dict[str, Any] = eks.describe_nodegroup(**WEB)["nodegroup"]
        return found

    before = group()
    for scaling in (
        {"minSize": 9, "maxSize": 5},
        {"desiredSize": 500},
        {"minSize": 6, "maxSize": 8, "desiredSize": 5},
    ):
        code = refused(partial(eks.update_nodegroup_config, **WEB, scalingConfig=scaling))
        expect(code, "InvalidParameterException", f"the range {scaling}")
    for name in ({"clusterName": "nobody"}, {"nodegroupName": "nobody"}):
        code = refused(partial(eks.update_nodegroup_config, **WEB | name, scalingConfig={"desiredSize": TO}))
        expect(code, "ResourceNotFoundException", f"an unknown {next(iter(name))}")
    expect(group() == before, True, "the group after the refusals is the one before")

    ask = {**WEB, "scalingConfig": {"desiredSize": TO}, "clientRequestToken": "walk-1"}
    first, second = eks.update_nodegroup_config(**ask)["update"], eks.update_nodegroup_config(**ask)["update"]
    expect(second["id"], first["id"], "the same token twice is one update")
    code = refused(lambda: eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": TO + 1}))
    expect((group()["status"], code), ("UPDATING", "ResourceInUseException"), "a second resize meanwhile")

    where = {"name": WEB["clusterName"], "nodegroupName": WEB["nodegroupName"], "updateId": first["id"]}
    wait_until(lambda: eks.describe_update(**where)["update"]["status"] == "Successful", "the update is Successful")
    name = group()["resources"]["autoScalingGroups"][0]["name"]

    def in_service() -> int:
        found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
        return sum(instance["LifecycleState"] == "InService" for instance in found["Instances"])

    wait_until(lambda: in_service() == TO, f"{TO} instances are InService")
    expect(group()["scalingConfig"]["desiredSize"], TO, "the wished size")
    say(f"    updates: {eks.list_updates(name=WEB['clusterName'], nodegroupName=WEB['nodegroupName'])['updateIds']}")


if __name__ == "__main__":
    sys.exit(run(walk))
