"""EKS and Auto Scaling over REST, signed with Signature Version 4."""

import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.scenarios.reference.door import PoolName, Seen, Wished
from multicloud_lab.scenarios.reference.http import Answer, DoubtError, GoneError, Http, WaitError

REGION = "us-east-1"
BUSY = frozenset({"CREATING", "UPDATING", "DELETING"})

_IN_SERVICE = "<LifecycleState>InService</LifecycleState>"
_TAG = re.compile(r"<Key>([^<]*)</Key><Value>([^<]*)</Value>")


class EksDoor:
    """Node groups of one region."""

    def __init__(self, document: Mapping[str, Any], http: Http) -> None:
        """Log in with the document's access key."""
        self._eks = str(document["eks"]["url"])
        self._autoscaling = str(document["autoscaling"]["url"])
        self._own = document["credentials"]["aws"]
        self._http = http

    def look(self, pool: PoolName) -> Seen:
        """Return the node group; its size and its nodes are those of its Auto Scaling group."""
        group = self._call("GET", self._path(pool)).body["nodegroup"]
        scaling = group["scalingConfig"]
        name = group["resources"]["autoScalingGroups"][0]["name"]
        found, _ = self._groups({"AutoScalingGroupNames.member.1": name})
        if len(found) != 1:
            raise DoubtError("the Auto Scaling group is not there")
        return Seen(
            size=_number(found[0], "DesiredCapacity"),
            ready=found[0].count(_IN_SERVICE),
            busy=group["status"] in BUSY,
            bounds=(int(scaling["minSize"]), int(scaling["maxSize"])),
            raw=scaling,
        )

    def survey(self, pools: Sequence[PoolName]) -> Mapping[PoolName, Seen]:
        """Return what the region's Auto Scaling groups say, a hundred a call; AWS tags them with whose they are."""
        seen: dict[PoolName, Seen] = {}
        more: str | None = ""
        while more is not None:
            found, more = self._groups({"NextToken": more} if more else {})
            for text in found:
                tags = dict(_TAG.findall(text))
                name = PoolName(cluster=tags.get("eks:cluster-name", ""), node_pool=tags.get("eks:nodegroup-name", ""))
                seen[name] = Seen(
                    size=_number(text, "DesiredCapacity"),
                    ready=text.count(_IN_SERVICE),
                    bounds=(_number(text, "MinSize"), _number(text, "MaxSize")),
                )
        return {pool: seen[pool] for pool in pools if pool in seen}

    def resize(self, pool: PoolName, wished: Wished, token: str, seen: Seen) -> None:
        """Send minimum, maximum and desired size together."""
        assert seen.bounds is not None
        low, high = seen.bounds if wished.min is None or wished.max is None else (wished.min, wished.max)
        scaling = {"minSize": low, "maxSize": high, "desiredSize": wished.to}
        body = {"scalingConfig": scaling, "clientRequestToken": token}
        self._call("POST", f"{self._path(pool)}/update-config", json.dumps(body).encode())

    def _groups(self, asked: Mapping[str, str]) -> tuple[list[str], str | None]:
        """Return the texts of a page of Auto Scaling groups, and the token of the next page."""
        query = {"Action": "DescribeAutoScalingGroups", "Version": "2011-01-01", "MaxRecords": "100", **asked}
        answer = self._send("autoscaling", "POST", self._autoscaling + "/", urlencode(query).encode())
        if answer.status != 200 or "</DescribeAutoScalingGroupsResponse>" not in answer.text:
            raise DoubtError("the Auto Scaling groups cannot be read")
        more = re.search(r"<NextToken>(.*?)</NextToken>", answer.text)
        return answer.text.split("<AutoScalingGroupName>")[1:], None if more is None else more[1]

    def _path(self, pool: PoolName) -> str:
        return f"/clusters/{quote(pool.cluster)}/node-groups/{quote(pool.node_pool)}"

    def _call(self, method: str, path: str, body: bytes = b"") -> Answer:
        answer = self._send("eks", method, self._eks + path, body)
        if answer.status == 404:
            raise GoneError(path)
        if answer.status >= 400:
            code = answer.headers.get("x-amzn-errortype", str(answer.status)).partition(":")[0]
            raise WaitError(f"{code}: {answer.body.get('message')}")
        return answer

    def _send(self, service: str, method: str, url: str, body: bytes) -> Answer:
        place = urlsplit(url)
        now = dt.datetime.fromtimestamp(wall_time_s(), dt.UTC)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        content = "application/x-www-form-urlencoded" if service == "autoscaling" else "application/json"
        headers = {"content-type": content, "host": place.netloc, "x-amz-date": stamp}
        names = ";".join(headers)
        canonical = "\n".join(
            [
                method,
                quote(place.path, safe="/~"),
                place.query,
                *(f"{name}:{value}" for name, value in headers.items()),
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            ]
        )
        scope = f"{day}/{REGION}/{service}/aws4_request"
        key = f"AWS4{self._own['secretAccessKey']}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        proof = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={self._own['accessKeyId']}/{scope}"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={proof}"
        return self._http.send(method, url, headers, body, json_answer=service == "eks")


def _number(text: str, element: str) -> int:
    """Return the number that an element of a group holds. Raises DoubtError without one."""
    found = re.search(rf"<{element}>(\d+)</{element}>", text)
    if found is None:
        raise DoubtError(f"an Auto Scaling group has no {element}")
    return int(found[1])
