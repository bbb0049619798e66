"""What the doors of all clouds judge alike: what a whole read came to, and where a cluster's own API answers."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from multicloud.model.error import CloudError, Refused, Throttled, Unavailable
from multicloud.model.port import ClusterPools
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef
from multicloud.model.size import NodePool

_ABOUT_A_CLUSTER: Final = frozenset({Code.NOT_FOUND, Code.DENIED})


def told_or_raised(found: dict[ClusterRef, Sequence[NodePool] | CloudError]) -> ClusterPools:
    """Return what was found; raises what kept every cluster from being read, unless it is about the clusters."""
    errors = [value for value in found.values() if isinstance(value, CloudError)]
    if errors and len(errors) == len(found):
        first = errors[0]
        if isinstance(first, Unavailable | Throttled) or (
            isinstance(first, Refused) and first.reason.code not in _ABOUT_A_CLUSTER
        ):
            raise first
    return found


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
