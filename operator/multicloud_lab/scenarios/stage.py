"""Plays a scenario: a lab of its seed, a client program, the script's steps in virtual time, then the facts.

A lab is started once for all scenarios (`Stage`) and seeded anew for each; invariants are checked after every step.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.journal import Entry
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.seed import Seed, SeedError, SwitchValue
from multicloud_lab.scenarios.facts import Ending, broken_facts
from multicloud_lab.scenarios.model import EVERY, Cloud, Hand, Meanwhile, Scenario, Settle, Step, Wish, operation
from multicloud_lab.scenarios.program import ClientError, Json, Program
from multicloud_lab.thread import LabThread

CLIENT_TIMEOUT_S = 3.0
"""How long a client is told to wait for a cloud's answer, real seconds: a hanging call costs that much."""

REACHED_TIMEOUT_S = 20.0
"""How long the stage waits for the call that it holds, real seconds."""


class FellError(Exception):
    """A scenario cannot go on; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a scenario: a sentence for everything that is not as it should be, and the journal to its end."""

    name: str
    broken: Sequence[str]
    entries: Sequence[Entry] = ()

    @property
    def passed(self) -> bool:
        """Whether every fact holds."""
        return not self.broken


class Stage:
    """A lab on which scenarios are played one after the other, against a client that `command` starts."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Use this client; `env` is its environment (None: the caller's)."""
        self._command = list(command)
        self._env = None if env is None else dict(env)
        self._lab = LabThread()

    def __enter__(self) -> Self:
        """Start the lab."""
        self._lab.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the lab."""
        self._lab.__exit__(kind, error, trace)

    def play(self, scenario: Scenario) -> Verdict:
        """Play it and judge it. Raises OSError when the client cannot be started."""
        try:
            self._seed(scenario.seed)
        except SeedError as error:
            return Verdict(name=scenario.name, broken=[f"its seed cannot be used: {error}"])
        with tempfile.TemporaryDirectory(prefix="multicloud-lab-client-") as store:
            play = _Play(self._lab, scenario, lambda: self._client(store))
            try:
                broken = play.run()
            except (FellError, ClientError) as error:
                broken = [str(error)]
            finally:
                play.close()
        entries = self._lab.run(lambda lab: lab.journal.entries())
        return Verdict(name=scenario.name, broken=broken, entries=entries)

    def _seed(self, seed: Seed) -> None:
        """Start the lab anew from a seed. Raises SeedError."""
        if _switches(seed) == _switches(self._lab.lab.seed):
            self._lab.reseed(seed)
            return
        # Switches are an engine's from its making on.
        other = LabThread(seed)
        self._lab.__exit__(None, None, None)
        self._lab = other
        self._lab.__enter__()

    def _client(self, store: str) -> Program:
        program = Program(self._command, self._env)
        try:
            program.ask(do="start", document=self._lab.document, store=store, timeoutSeconds=CLIENT_TIMEOUT_S)
        except BaseException:
            program.kill()
            raise
        return program


class _Play:
    def __init__(self, lab: LabThread, scenario: Scenario, start: Callable[[], Program]) -> None:
        self._lab = lab
        self._scenario = scenario
        self._start = start
        self._client: Program | None = None
        self._told: dict[tuple[str, str], Json] = {}

    def run(self) -> list[str]:
        for index, step in enumerate(self._scenario.script):
            try:
                self._take(step)
            except (FellError, RefusedError) as error:
                message = f"script[{index}] ({step.kind}): {error}"
                raise FellError(message) from error
            violations = self._lab.violations()
            if violations:
                return [f"script[{index}] ({step.kind}) breaks the lab: {sentence}" for sentence in violations]
        ending = Ending(
            scenario=self._scenario,
            entries=self._lab.run(lambda lab: lab.journal.entries()),
            pools=self._lab.run(lambda lab: lab.fleet),
            told=self._told,
        )
        return broken_facts(ending)

    def close(self) -> None:
        if self._client is not None:
            self._client.kill()

    def _take(self, step: Step) -> None:
        cloud = self._scenario.cloud
        if step.wish is not None:
            self._wish(step.wish)
        elif step.ticks is not None:
            for _ in range(step.ticks.count):
                self._tick()
                self._lab.advance(step.ticks.every_seconds)
        elif step.settle is not None:
            self._settle(step.settle)
        elif step.advance is not None:
            self._lab.advance(step.advance)
        elif step.fault is not None:
            self._lab.place(_named(step.fault, cloud))
        elif step.lift_faults is not None:
            self._lab.run(lambda lab: lab.faults.lift_all())
        elif step.hand is not None:
            self._hand(step.hand)
        elif step.meanwhile is not None:
            self._meanwhile(step.meanwhile)
        else:
            self._lab.run(lambda lab: _limit(lab, cloud, step))

    def _wish(self, wish: Wish) -> None:
        cloud = self._scenario.cloud
        said = wish.model_dump(mode="json", by_alias=True)
        if EVERY not in {wish.cluster, wish.node_pool}:
            self._program().ask(do="wish", cloud=cloud, **said)
            return
        for pool in self._lab.run(lambda lab: lab.fleet):
            fits = wish.cluster in {EVERY, pool.cluster} and wish.node_pool in {EVERY, pool.node_pool}
            if pool.cloud == cloud and fits:
                place = {"cluster": pool.cluster, "nodePool": pool.node_pool}
                self._program().ask(do="wish", cloud=cloud, **{**said, **place})

    def _program(self) -> Program:
        if self._client is None:
            self._client = self._start()
        return self._client

    def _tick(self) -> bool:
        """Let the client act once; returns whether it says that everything is settled."""
        self._program().send(do="tick", now=self._lab.run(lambda lab: lab.clock.now()))
        return self._heard()

    def _heard(self) -> bool:
        pools = self._program().answer().get("pools")
        if not isinstance(pools, list) or not all(isinstance(each, dict) for each in pools):
            message = "the client must answer a tick with {pools: [...]}"
            raise ClientError(message)
        self._told = {(str(each.get("cluster")), str(each.get("nodePool"))): each for each in pools}
        return all(each.get("settled") is True for each in pools)

    def _settle(self, settle: Settle) -> None:
        left_s = settle.within_seconds
        while not self._tick():
            if left_s <= 0:
                left = {"/".join(place): said for place, said in self._told.items() if said.get("settled") is not True}
                message = f"the client had not settled after {settle.within_seconds:g} virtual seconds: {left}"
                raise FellError(message)
            self._lab.advance(settle.every_seconds)
            left_s -= settle.every_seconds

    def _hand(self, hand: Hand) -> None:
        cloud = self._scenario.cloud
        self._lab.hands(lambda hands: _act(hands, cloud, hand))

    def _meanwhile(self, step: Meanwhile) -> None:
        name = self._scenario.operation(step.operation)
        hold = self._lab.hold(name, step.cluster, step.node_pool, when=step.when)
        self._program().send(do="tick", now=self._lab.run(lambda lab: lab.clock.now()))
        try:
            self._lab.wait_reached(hold, REACHED_TIMEOUT_S)
        except TimeoutError:
            message = f"the client did not call {name}"
            raise FellError(message) from None
        if step.hand is not None:
            self._hand(step.hand)
            self._lab.release(hold)
            self._heard()
            return
        self.close()
        self._client = None
        self._lab.release(hold, "drop" if step.when == "after" else "continue")


def _act(hands: Hands, cloud: Cloud, hand: Hand) -> None:
    match hand.act:
        case "resize":
            hands.resize(cloud, hand.cluster, hand.node_pool, hand.to or 0)
        case "autoscale":
            hands.autoscale(cloud, hand.cluster, hand.node_pool, hand.to or 0)
        case "upgrade":
            hands.upgrade(cloud, hand.cluster, hand.node_pool, hand.seconds)
        case "abort":
            hands.abort(cloud, hand.cluster, hand.node_pool)
        case "delete":
            hands.delete(cloud, hand.cluster, hand.node_pool)
        case "recreate":
            hands.recreate(cloud, hand.cluster, hand.node_pool)


def _switches(seed: Seed) -> Sequence[Mapping[str, SwitchValue]]:
    return [seed.aws.switches, seed.azure.switches, seed.gcp.switches]


def client_principal(lab: Lab, cloud: Cloud) -> str:
    """Return the journal's name of the client: the cloud's first principal of the seed."""
    seed = lab.seed
    if cloud == "gcp":
        return seed.gcp.principals[0].email
    return seed.aws.principals[0].name if cloud == "aws" else seed.azure.principals[0].client_id


def _limit(lab: Lab, cloud: Cloud, step: Step) -> None:
    principal = client_principal(lab, cloud)
    if step.capacity is not None:
        lab.capacity.set_free(cloud, step.capacity.zone, None, step.capacity.free)
    elif step.quota is not None:
        account, region = {
            "aws": (lab.seed.aws.account, "us-east-1"),
            "azure": (lab.seed.azure.subscription_id, "westeurope"),
            "gcp": (lab.seed.gcp.project, "europe-west1"),
        }[cloud]
        lab.quotas.set_limit(cloud, account, region, Limit(nodes=step.quota.nodes))
    elif step.deny is not None:
        lab.permissions.deny(principal, step.deny)
    else:
        lab.permissions.restore(principal)


def _named(fault: Fault, cloud: Cloud) -> Fault:
    """Return the fault for the scenario's cloud, its operation by the cloud's own name."""
    match = fault.match
    named = None if match.operation is None else operation(cloud, match.operation)
    return Fault(
        action=fault.action,
        match=Match(
            operation=named,
            cloud=cloud,
            cluster=match.cluster,
            pool=match.pool,
            principal=match.principal,
            nth=match.nth,
        ),
        when=fault.when,
        times=fault.times,
        probability=fault.probability,
        window=fault.window,
    )
