"""STS's sessions: temporary credentials of roles, by access key id, until they run out.

They end in real time, because SDKs compare the expiry with their own clock; a ClockSkew fault moves the
cloud's side of that. They stay valid when the lab is reset.
"""

import base64
import hashlib
from dataclasses import dataclass, field

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.lab import Lab
from multicloud_lab.eks.state import Caller
from multicloud_lab.eks.switches import Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Temporary credentials of a role; `expires` in real epoch seconds."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    role: str
    account: str
    arn: str
    user_id: str
    expires: float


class Sessions:
    """The sessions that were made, by access key id."""

    def __init__(self, lab: Lab, switches: Switches) -> None:
        """Start without any."""
        self._lab = lab
        self.switches = switches
        self._sessions: dict[str, Session] = {}

    def now_s(self) -> float:
        """Return the real time as the cloud sees it."""
        return wall_time_s() + self._lab.faults.skew_s("aws")

    def open(self, account: str, role: str, name: str, seconds: int) -> Session:
        """Make credentials for a role (the name at the end of its ARN) and a session's name."""
        # Drawn apart from what state depends on: credentials may not spoil a replay.
        noise = self._lab.noise
        serial = f"{noise.getrandbits(80):020x}"
        key_id = "ASIA" + base64.b32encode(bytes.fromhex(serial)).decode()[:16]
        session = Session(
            access_key_id=key_id,
            secret=base64.b64encode(noise.randbytes(30)).decode(),
            token=base64.b64encode(noise.randbytes(90)).decode(),
            role=role,
            account=account,
            arn=f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
            user_id=f"{identity('AROA', account, role)}:{name}",
            expires=self.now_s() + seconds,
        )
        self._sessions[key_id] = session
        return session

    def get(self, access_key_id: str) -> Session | None:
        """Return a session, ended or not."""
        return self._sessions.get(access_key_id)


def user(name: str, access_key_id: str, account: str, region: str) -> Caller:
    """Return an IAM user as a caller."""
    return Caller(
        name=name,
        access_key_id=access_key_id,
        account=account,
        region=region,
        arn=f"arn:aws:iam::{account}:user/{name}",
        user_id=identity("AIDA", account, name),
    )


def identity(prefix: str, account: str, name: str) -> str:
    """Return a unique id of a user or role, the same in every run."""
    digest = hashlib.sha256(f"{account}/{name}".encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:17]
