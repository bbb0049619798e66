"""Opens lanes for accounts: Secret or ambient identity → door → lane; one lane per account and identity, never shared.

`run` makes one CloudLanes; `observe`, `act` and the spine ask it for lanes at each use, so that a changed Secret is
used within a minute, and at once after the cloud refused the old one. Clouds are imported when first needed.
"""

import asyncio
import hmac
import secrets as chance
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from multicloud.clouds.ambient import admit
from multicloud.clouds.lane import CloudLane, Shared
from multicloud.clouds.metering import LaneMetrics, MetricRegistry
from multicloud.clouds.pace import Buckets
from multicloud.clouds.threads import Exit
from multicloud.model.account import AccountObject, AccountSpec, AwsAccount, AzureAccount, GcpAccount
from multicloud.model.error import Refused, Unavailable, refused
from multicloud.model.exchange import Tap
from multicloud.model.permission import Policy
from multicloud.model.port import Clock, CloudDoor, Fence, Secrets
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud, ObjectKey
from multicloud.settings import Clouds, Settings

SECRET_S: Final = 30.0
"""How long a Secret that was read is taken to be unchanged.

Lanes are asked for once a minute at rest and at least every 30 s while something moves, so that a changed Secret is used
within a minute.
"""

UNUSED_S: Final = 3600.0
"""A lane that nobody asked for so long is closed: its account is gone."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("lanes")


@dataclass(slots=True)
class _Slot:
    """One account's place: its lane, whose identity it is, when its Secret was last read, whether it ever had a lane."""

    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    lane: CloudLane | None = None
    spec: AccountSpec | None = None
    fingerprint: bytes = b""
    read_s: float = float("-inf")
    used_s: float = float("-inf")
    opened: bool = False

    def distrust(self) -> None:
        """The cloud refused the identity: read the Secret again before it is used again."""
        self.read_s = float("-inf")

    def close(self) -> None:
        if self.lane is not None:
            self.lane.close()
        self.lane = None
        self.spec = None
        self.fingerprint = b""
        self.distrust()


def policy_of(cloud: Cloud) -> Policy:
    """What the operator needs to be allowed in a cloud; loads no SDK."""
    match cloud:
        case Cloud.AWS:
            from multicloud.clouds.eks import policy as eks

            return eks.POLICY
        case Cloud.AZURE:
            from multicloud.clouds.aks import policy as aks

            return aks.POLICY
        case Cloud.GCP:
            from multicloud.clouds.gke import policy as gke

            return gke.POLICY


class CloudLanes:
    """Implements the port Lanes. Used on one event loop."""

    def __init__(
        self,
        *,
        secrets: Secrets,
        settings: Settings,
        fence: Fence,
        clock: Clock,
        registry: MetricRegistry,
        tap: Tap | None = None,
    ) -> None:
        """`registry` takes the lanes' metrics; `tap` is told every request to a cloud with its answer."""
        self._secrets = secrets
        self._clouds: Clouds = settings.clouds
        self._identities = settings.identities
        self._installation = settings.installation
        self._clock = clock
        self._tap = tap
        self._exit = Exit(fence, budget_s=settings.lease.send_budget_s)
        self._shared = Shared(
            clock=clock,
            buckets=Buckets(clock),
            metrics=LaneMetrics(registry),
            call_timeout_s=settings.call_timeout_s,
        )
        self._slots: dict[str, _Slot] = {}
        self._opening = 0
        self._renewed: Callable[[ObjectKey], None] = lambda _: None
        # Fingerprints are keyed by chance, so that not even a memory dump tells whose Secret equals whose.
        self._salt = chance.token_bytes(32)

    def when_renewed(self, told: Callable[[ObjectKey], None]) -> None:
        """Have `told` called with an account whose identity was replaced: what others hold of the old one is void."""
        self._renewed = told

    @property
    def in_flight(self) -> int:
        """Calls and openings that are in a thread now, over all lanes."""
        return self._opening + self._shared.in_flight.calls

    async def lane(self, account: AccountObject) -> CloudLane:
        """Open (or reuse) the account's lane.

        Raises Refused for what a person must mend, Unavailable for a Secret that could not be read and never was.
        """
        if account.spec is None:
            text = "the account's spec could not be understood"
            raise Refused(account.problem or Reason(code=Code.INVALID_SPEC, text=text))
        now_s = self._clock.monotonic()
        self._close_unused(now_s)
        slot = self._slots.setdefault(account.uid, _Slot())
        slot.used_s = now_s
        async with slot.opening:
            if slot.lane is None or slot.spec != account.spec or now_s - slot.read_s >= SECRET_S:
                await self._renew(slot, account, account.spec)
            assert slot.lane is not None  # `_renew` opened it or raised
            return slot.lane

    def close(self) -> None:
        """Close every lane; who still holds one may finish with it."""
        for slot in self._slots.values():
            slot.close()
        self._slots.clear()

    async def _renew(self, slot: _Slot, account: AccountObject, spec: AccountSpec) -> None:
        try:
            secret = await self._read(account, spec)
        except Unavailable:
            if slot.lane is None or slot.spec != spec:
                raise
            return  # the API server is away: the clouds need not be; ask again at the next use
        except Refused:
            slot.close()
            raise
        fingerprint = self._fingerprint(secret)
        if slot.lane is None or slot.spec != spec or slot.fingerprint != fingerprint:
            slot.close()
            slot.lane = await self._open(slot, account, spec, secret)
            slot.spec, slot.fingerprint = spec, fingerprint
            if slot.opened:
                self._renewed(account.key)
            slot.opened = True
        slot.read_s = self._clock.monotonic()

    async def _read(self, account: AccountObject, spec: AccountSpec) -> Mapping[str, bytes] | None:
        namespace = account.key.namespace
        if spec.secret is not None:
            return await self._secrets.read_secret(namespace, spec.secret)
        admit(namespace, spec.target, self._identities)
        return None

    async def _open(
        self, slot: _Slot, account: AccountObject, spec: AccountSpec, secret: Mapping[str, bytes] | None
    ) -> CloudLane:
        self._opening += 1
        try:
            # In a thread: the first use of a cloud imports its SDK, which takes up to seconds.
            door = await asyncio.to_thread(self._door, account.caller(self._installation), spec, secret)
        finally:
            self._opening -= 1
        log.info("lane opened", account=str(account.key), cloud=str(spec.cloud), ambient=secret is None)
        return CloudLane(door, account=account.key, cloud=spec.cloud, shared=self._shared, auth_failed=slot.distrust)

    def _door(self, caller: str, spec: AccountSpec, secret: Mapping[str, bytes] | None) -> CloudDoor:
        timeout_s = self._shared.call_timeout_s
        try:
            match spec.provider:
                case AwsAccount() as aws:
                    from multicloud.clouds.eks import door as eks

                    return eks.open_door(
                        aws,
                        secret,
                        self._clouds.aws,
                        before_send=self._exit,
                        call_timeout_s=timeout_s,
                        caller=caller,
                        tap=self._tap,
                    )
                case AzureAccount() as azure:
                    from multicloud.clouds.aks import door as aks

                    return aks.open_door(
                        azure,
                        secret,
                        self._clouds.azure,
                        before_send=self._exit,
                        call_timeout_s=timeout_s,
                        tap=self._tap,
                    )
                case GcpAccount() as gcp:
                    from multicloud.clouds.gke import door as gke

                    return gke.open_door(
                        gcp, secret, self._clouds.gcp, before_send=self._exit, call_timeout_s=timeout_s, tap=self._tap
                    )
                case _:
                    raise refused(Code.INVALID_SPEC, f"accounts of {spec.cloud} cannot be opened by this operator")
        except ImportError as error:
            missing = error.name or "a module"
            raise refused(
                Code.SDK_NOT_INSTALLED,
                f"the SDK of {spec.cloud} is not installed with this operator ({missing} is missing): "
                "install the package with its dependencies",
            ) from None

    def _fingerprint(self, secret: Mapping[str, bytes] | None) -> bytes:
        digest = hmac.new(self._salt, digestmod="sha256")
        for name in sorted(secret or {}):
            value = (secret or {})[name]
            digest.update(f"{name}\0{len(value)}\0".encode())
            digest.update(value)
        return digest.digest()

    def _close_unused(self, now_s: float) -> None:
        for uid in [uid for uid, slot in self._slots.items() if now_s - slot.used_s > UNUSED_S]:
            self._slots.pop(uid).close()
