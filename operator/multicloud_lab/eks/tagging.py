"""Tags of clusters and node groups, by ARN. Its errors have names of their own: BadRequest, NotFound."""

import re
from collections.abc import Mapping
from typing import Any

from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller, Cluster, Nodegroup, Outcome
from multicloud_lab.eks.store import Store

MAX_TAGS = 50
_ARN = re.compile(r"arn:aws[a-z-]*:eks:[a-z0-9-]+:\d{12}:(cluster|nodegroup)/.+")


def tag_resource(store: Store, caller: Caller, arguments: Mapping[str, Any]) -> Outcome:
    """TagResource. Raises BadRequestException (no ARN, too many tags), NotFoundException."""
    found = _find(store, caller, arguments["resourceArn"])
    merged = {**found.tags, **arguments["tags"]}
    if len(merged) > MAX_TAGS:
        raise AwsError("BadRequestException", f"A resource can have at most {MAX_TAGS} tags")
    if any(key.lower().startswith("aws:") for key in arguments["tags"]):
        raise AwsError("BadRequestException", "Tag keys must not start with aws:")
    changed = merged != found.tags
    found.tags.update(arguments["tags"])
    return Outcome(effective=changed)


def untag_resource(store: Store, caller: Caller, arguments: Mapping[str, Any]) -> Outcome:
    """UntagResource; a tag that is not there is no error. Raises BadRequestException, NotFoundException."""
    found = _find(store, caller, arguments["resourceArn"])
    gone = [found.tags.pop(key, None) for key in arguments["tagKeys"]]
    return Outcome(effective=any(value is not None for value in gone))


def tags_of(store: Store, caller: Caller, arn: str) -> dict[str, str]:
    """ListTagsForResource. Raises BadRequestException, NotFoundException."""
    return dict(_find(store, caller, arn).tags)


def _find(store: Store, caller: Caller, arn: str) -> Cluster | Nodegroup:
    if _ARN.fullmatch(arn) is None:
        raise AwsError("BadRequestException", f"The resourceArn {arn!r} is not the ARN of a cluster or node group")
    for cluster in store.clusters(caller):
        if cluster.arn == arn:
            return cluster
        for group in cluster.nodegroups.values():
            if group.arn == arn:
                return group
    raise AwsError("NotFoundException", f"The specified resource could not be found: {arn}", 404)
