"""What an answer is worth, judged alike for every cloud: numbers, pages, pools of a list, whole reads, addresses.

The doors build on it, so that garbage about one node pool is that pool's trouble alone, and so that the lane's breaker
and identity check see what matters.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from multicloud.model.error import CloudError, Refused, Throttled, Unavailable
from multicloud.model.port import ClusterPools
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import NodePool

MOST_NODES: Final = 100_000
"""Nodes above which a size is garbage: more than any vendor lets one cluster have."""

MOST_PAGES: Final = 1000
"""Pages after which a list that never ends is given up."""

NEW_STATUS: Final = "(not a status known here: taken for a running operation)"
"""Said of a status that a vendor added after this was written."""

GARBAGE: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading an answer raises that is not what its API promises."""

Found = dict[ClusterRef | NodePoolRef, Sequence[NodePool] | CloudError]
"""ClusterPools while it is filled."""

_ABOUT_A_CLUSTER: Final = frozenset({Code.NOT_FOUND, Code.DENIED})


def nodes_told(value: object) -> int:
    """A number of nodes out of an answer. Raises ValueError for null, text, a fraction, a negative or an absurd one."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_NODES:
        raise ValueError("no number of nodes")
    return value


def garbled(what: str, vendor: str, how: str = "gave an answer that is none") -> Unavailable:
    """Say that an answer was read and is not what its API promises."""
    return Unavailable(Reason(code=Code.UNEXPECTED, text=f"{what}: {vendor} {how}"))


class Pages:
    """Follows the tokens of one list, which must end. `what` and `vendor` say whose."""

    def __init__(self, what: str, vendor: str) -> None:
        """Begin before the first page."""
        self._what = what
        self._vendor = vendor
        self._seen: set[str] = set()

    def follow(self, token: str) -> str:
        """Return the token of the next page. Raises Unavailable if it was followed before, or after too many pages."""
        if token in self._seen or len(self._seen) >= MOST_PAGES:
            raise garbled(self._what, self._vendor, "tells a list without an end")
        self._seen.add(token)
        return token


def pools_told(cluster: ClusterRef, vendor: str, facts: Iterable[tuple[str, Callable[[], NodePool]]]) -> Found:
    """Judge the node pools of one cluster's list, each by its name; one that is garbage spoils no other.

    Raises Unavailable for a pool without a name, which could be any of them, and passes on what is no garbage.
    """
    good: dict[NodePoolRef, NodePool] = {}
    told: Found = {}
    for name, make in facts:
        if not name:
            raise garbled(f"reading the node pools of {cluster}", vendor, "told one without a name")
        ref = NodePoolRef(cluster=cluster, name=name)
        try:
            made = make()
        except Unavailable as error:
            if error.reason.code is not Code.UNEXPECTED:
                raise
            told[ref] = error
        except GARBAGE:
            told[ref] = garbled(f"reading node pool {ref}", vendor, "told no sizes that can be")
        else:
            if good.setdefault(ref, made) != made:
                told[ref] = garbled(f"reading node pool {ref}", vendor, "told two different pools of this name")
    told[cluster] = [pool for ref, pool in good.items() if ref not in told]
    return told


def pool_told(told: ClusterPools, pool: NodePoolRef) -> NodePool | None:
    """Pick one node pool out of a list of its cluster; None when it is not there. Raises the cluster's or its own error."""
    alone, answer = told.get(pool), told.get(pool.cluster, ())
    if isinstance(alone, CloudError):
        raise alone
    if isinstance(answer, CloudError):
        raise answer
    return next((found for found in answer if found.ref == pool), None)


def told_or_raised(clusters: Iterable[ClusterRef], found: Mapping[ClusterRef, Found | CloudError]) -> ClusterPools:
    """Join what was found; raises what kept every cluster from being read, unless it is about the clusters."""
    errors = [value for value in found.values() if isinstance(value, CloudError)]
    if errors and len(errors) == len(found):
        first = errors[0]
        if isinstance(first, Unavailable | Throttled) or (
            isinstance(first, Refused) and first.reason.code not in _ABOUT_A_CLUSTER
        ):
            raise first
    told: Found = {}
    for cluster in clusters:
        answer = found[cluster]
        if isinstance(answer, CloudError):
            told[cluster] = answer
        else:
            told |= answer
    return told


def way_in(url: str, encoded_ca: str, what: str) -> tuple[str, str]:
    """Check what a cloud tells of a cluster's own API: an https URL, and its authority, base64 of PEM, decoded.

    Raises Unavailable for an answer without them, which is how a cluster that is still being made shows.
    """
    try:
        authority = base64.b64decode(encoded_ca, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        authority = ""
    address = urlsplit(url)
    if address.scheme != "https" or not address.hostname or "-----BEGIN CERTIFICATE-----" not in authority:
        text = f"{what}: the cloud does not tell where the cluster's API is and which certificate it has"
        raise Unavailable(Reason(code=Code.UNEXPECTED, text=text))
    return url, authority
