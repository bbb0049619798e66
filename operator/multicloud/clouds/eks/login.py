"""A session of one AWS identity: keys from a Secret, or the operator's own (IRSA, Pod Identity, the usual chain).

`door` makes a Login; `clients` makes its clients of it. botocore finds and renews credentials while it signs a request,
so a failed login is an error before a byte of the request itself has left.
"""

from collections.abc import Mapping
from typing import Any, Final

import boto3
import botocore.session
from botocore.loaders import Loader

from multicloud.model.error import refused
from multicloud.model.reason import Code

ACCESS_KEY_ID: Final = "accessKeyId"
SECRET_ACCESS_KEY: Final = "secretAccessKey"  # noqa: S105 - the documented name of the key, not a secret
SESSION_TOKEN: Final = "sessionToken"  # noqa: S105 - as above

_LOADER: Final = Loader()
"""AWS's descriptions of its APIs, shared by all sessions: 10 MiB each otherwise."""


def make_session(secret: Mapping[str, bytes] | None) -> Any:
    """Make a boto3 Session. Raises Refused for a Secret that lacks what the login needs; nothing is sent."""
    core = botocore.session.Session()
    core.register_component("data_loader", _LOADER)
    if secret is None:
        return boto3.Session(botocore_session=core)
    token = _text(secret, SESSION_TOKEN) if SESSION_TOKEN in secret else None
    return boto3.Session(
        aws_access_key_id=_text(secret, ACCESS_KEY_ID),
        aws_secret_access_key=_text(secret, SECRET_ACCESS_KEY),
        aws_session_token=token,
        botocore_session=core,
    )


def _text(secret: Mapping[str, bytes], name: str) -> str:
    raw = secret.get(name)
    if raw is None:
        raise refused(Code.SECRET_KEY_MISSING, f"the Secret has no key {name} (of the IAM user's access key)")
    try:
        value = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        value = ""
    # A line break or space inside would end up in a request header.
    if not value or not value.isprintable() or " " in value:
        raise refused(Code.SECRET_INVALID, f"the Secret's key {name} is empty or holds what no AWS key does")
    return value
