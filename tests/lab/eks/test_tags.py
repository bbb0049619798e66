"""Tags of clusters and node groups, by ARN, with the tag operations' own names of errors."""

from typing import Any

import pytest

from multicloud_lab.thread import LabThread


@pytest.fixture(params=["cluster", "nodegroup"])
def arn(eks: Any, request: pytest.FixtureRequest) -> str:
    if request.param == "cluster":
        return str(eks.describe_cluster(name="shop-prod")["cluster"]["arn"])
    shown = eks.describe_nodegroup(clusterName="shop-prod", nodegroupName="web")["nodegroup"]
    return str(shown["nodegroupArn"])


def test_tags_are_set_changed_listed_and_taken_away(lab: LabThread, eks: Any, arn: str) -> None:
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    eks.tag_resource(resourceArn=arn, tags={"team": "shop", "a/b c": "1=2&3"})
    eks.tag_resource(resourceArn=arn, tags={"team": "ops"})
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "ops", "a/b c": "1=2&3"}
    eks.untag_resource(resourceArn=arn, tagKeys=["a/b c", "never there"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "ops"}
    eks.tag_resource(resourceArn=arn, tags={"team": "ops"})
    changes = [e["effective"] for e in lab.journal() if e["operation"] in {"TagResource", "UntagResource"}]
    assert changes == [True, True, True, False]


def test_tags_show_where_they_are(eks: Any, arn: str) -> None:
    eks.tag_resource(resourceArn=arn, tags={"team": "shop"})
    cluster = eks.describe_cluster(name="shop-prod")["cluster"]["tags"]
    group = eks.describe_nodegroup(clusterName="shop-prod", nodegroupName="web")["nodegroup"]["tags"]
    assert (cluster, group) == (({"team": "shop"}, {}) if ":cluster/" in arn else ({}, {"team": "shop"}))


def test_too_many_tags_and_reserved_ones_are_bad_requests(eks: Any, arn: str) -> None:
    for tags in ({f"k{n}": "v" for n in range(51)}, {"aws:mine": "v"}):
        with pytest.raises(eks.exceptions.BadRequestException):
            eks.tag_resource(resourceArn=arn, tags=tags)
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_unknown_resources_have_the_tag_operations_own_errors(eks: Any) -> None:
    with pytest.raises(eks.exceptions.NotFoundException):
        eks.list_tags_for_resource(resourceArn="arn:aws:eks:us-east-1:111122223333:cluster/nope")
    with pytest.raises(eks.exceptions.NotFoundException):
        eks.tag_resource(resourceArn="arn:aws:eks:us-east-1:999999999999:cluster/shop-prod", tags={"a": "b"})
    with pytest.raises(eks.exceptions.BadRequestException):
        eks.list_tags_for_resource(resourceArn="arn:aws:s3:::bucket")
