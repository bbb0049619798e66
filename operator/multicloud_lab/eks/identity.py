"""STS's caller identity: the access key's user, with an id that is the same in every run."""

import base64
import hashlib
from typing import Any

from multicloud_lab.eks.state import Caller


def caller_identity(caller: Caller) -> dict[str, Any]:
    """GetCallerIdentity: needs no permission, answers any signed call."""
    digest = hashlib.sha256(f"{caller.account}/{caller.name}".encode()).digest()
    return {
        "UserId": "AIDA" + base64.b32encode(digest).decode()[:17],
        "Account": caller.account,
        "Arn": f"arn:aws:iam::{caller.account}:user/{caller.name}",
    }
