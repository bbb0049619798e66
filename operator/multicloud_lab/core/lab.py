"""The lab itself: clock, journal, gate, randomness, and one engine per cloud.

Engines put the clouds' rules on state, without HTTP; wires speak HTTP or gRPC, without rules. A
cloud's package exports its engine class (`EksEngine(lab)`, `AksEngine(lab)`, `GkeEngine(lab)`) and
`async def start(lab, engine, tls) -> Wire`; the server puts the engines in `Lab.engines`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.gate import Call, Gate
from multicloud_lab.core.journal import Entry, Journal
from multicloud_lab.core.keys import ServiceAccountKey, make_service_account_key
from multicloud_lab.core.seed import Seed


class RefusedError(Exception):
    """A cloud refuses a call. `code` is the vendor's error code, `message` its sentence.

    Wires may subclass it for what their error bodies carry besides.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the vendor's code and sentence."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """One node pool as the admin port shows it, in nodes of the whole pool (GKE: over all zones).

    `requested` is the wished size, `nodes` what exists (draining included), `status` the vendor's word.
    """

    cloud: str
    cluster: str
    node_pool: str
    requested: int
    nodes: int
    ready: int
    status: str


class Engine(Protocol):
    """What the server and the admin port ask of every cloud."""

    def pools(self) -> Iterable[PoolView]:
        """Every pool of the cloud."""
        ...

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Resize as a person in the console would: same rules, journalled here with principal "hand".

        `to` is in nodes of the whole pool. Raises RefusedError as the cloud would (unknown names too).
        """
        ...

    def reset(self) -> None:
        """Forget everything (operations, tokens, issued credentials stay valid) and build the seed's state."""
        ...


class Wire(Protocol):
    """A cloud's listening servers."""

    @property
    def endpoints(self) -> Mapping[str, object]:
        """Its keys of the lab's document, e.g. {"eks": {"url": "http://127.0.0.1:1234"}}."""
        ...

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        ...


class Lab:
    """The state that everything shares; touched only on the lab's loop."""

    def __init__(self, seed: Seed | None = None, clock: VirtualClock | None = None) -> None:
        """Build the parts; the engines come afterwards, because they need the lab."""
        self.seed = Seed() if seed is None else seed
        self.clock = VirtualClock() if clock is None else clock
        self.journal = Journal()
        self.gate = Gate(self.clock)
        self.rng = Random(self.seed.random)  # noqa: S311  (repeatable on purpose, guards nothing)
        self.engines: dict[str, Engine] = {}
        self.google_keys: tuple[ServiceAccountKey, ...] = tuple(
            make_service_account_key(self.seed.gcp.project, principal.email) for principal in self.seed.gcp.principals
        )

    @property
    def fleet(self) -> list[PoolView]:
        """Every pool of every cloud."""
        return [pool for engine in self.engines.values() for pool in engine.pools()]

    def record(
        self,
        call: Call,
        *,
        result: str = "200",
        effective: bool = False,
        from_: int | None = None,
        to: int | None = None,
    ) -> Entry:
        """Journal what became of a call; at its commit or its refusal, never twice."""
        return self.journal.append(
            Entry(
                time=self.clock.now(),
                cloud=call.cloud,
                principal=call.principal,
                operation=call.operation,
                cluster=call.cluster,
                pool=call.pool,
                arguments=call.arguments,
                token=call.token,
                effective=effective,
                result=result,
                to=to,
                from_=from_,
            )
        )

    def reset(self) -> None:
        """Go back to the seed: clock, journal, holds (held calls are dropped), randomness, engines."""
        self.gate.clear()
        self.clock.reset()
        self.journal.clear()
        self.rng.seed(self.seed.random)
        for engine in self.engines.values():
            engine.reset()
