"""Puts the demo's stage up, plays a story on it, takes it down. `command` prints what comes back.

Order: the load of an act that has one, the lab with its control plane, our kinds, the operator as a process of its own,
the story. Order of the end: the operator first, so that it can give back its lease, then the lab, then the load.
"""

import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import which
from typing import Any, Final

from multicloud.cli.demo.emulated import CloudWrite, EmulatedClouds
from multicloud.cli.demo.failure import DemoError
from multicloud.cli.demo.ground import (
    POLICY,
    POOL,
    apply_kinds,
    apply_samples,
    edit_member,
    read_samples,
    scale,
    settings_file,
)
from multicloud.cli.demo.programs import Program, tail
from multicloud.cli.demo.screen import EventLine, Screen
from multicloud.cli.demo.source import STAND_IN, Source
from multicloud.cli.demo.story import Act, Step, StepFailed
from multicloud.cli.shown import MemberRow, PoolRow, pool_row
from multicloud.kube.client import KubeClient, KubeError
from multicloud.kube.objects import KubeObjects
from multicloud.model.port import Clock

OPERATOR_LOG: Final = "operator.log"
LOOK_EVERY_S: Final = 0.3
OPERATOR_ENDS_WITHIN_S: Final = 12.0
LAB_ENDS_WITHIN_S: Final = 20.0

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the person asked for. `factor`: seconds of the clouds a real second."""

    act: Act
    once: bool
    factor: float
    samples: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One step as it went: the fewest ready units seen meanwhile.

    The units ready, what the pool cost an hour, the load and who tells it are those when it was over.
    """

    step: str
    converged: bool
    seconds: float
    fewest_ready: int | None
    ready: int | None
    hourly_cost_now: str | None
    hourly_cost: str | None
    load: int | None
    load_told_by: str | None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What the story left behind."""

    story: list[Told] = field(default_factory=list)
    pool: PoolRow | None = None
    writes: list[CloudWrite] = field(default_factory=list)

    @property
    def converged(self) -> bool:
        """Whether every step came true."""
        return bool(self.story) and all(told.converged for told in self.story)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What was put up; `programs` must stay alive."""

    kube: KubeClient
    clouds: EmulatedClouds
    source: Source | None
    programs: tuple[Program, ...]


@dataclass(slots=True, kw_only=True)
class Play:
    """The stage of an act: does what it says and looks what has come true.

    `seen` is the pool as last read, `fewest_ready` the fewest ready units that this step has seen, `metric` what its policy
    says of its metric.
    """

    running: Running
    screen: Screen
    clock: Clock
    samples: Sequence[Body]
    outcome: Outcome
    seen: PoolRow = field(
        default_factory=lambda: pool_row({"metadata": {"namespace": POOL.namespace, "name": POOL.name}})
    )
    fewest_ready: int | None = None
    metric: str | None = None

    @property
    def pool(self) -> PoolRow:
        """The pool as last read."""
        return self.seen

    @property
    def source(self) -> Source:
        """The load of the act, which must have one."""
        assert self.running.source is not None, "this act has no load"
        return self.running.source

    async def apply_samples(self) -> None:
        """Apply the act's manifests, and the keys that the emulated clouds accept."""
        await apply_samples(self.running.kube, self.samples, self.running.clouds)

    async def scale(self, replicas: int) -> None:
        """Do as `kubectl scale` does."""
        await scale(self.running.kube, POOL, replicas)

    async def edit_member(self, name: str, changes: Mapping[str, object]) -> None:
        """Set fields of one member in the pool's spec."""
        await edit_member(self.running.kube, POOL, name, changes)

    async def resize_by_hand(self, member: MemberRow, to: int) -> None:
        """Resize a member's node pool past the operator."""
        await self.running.clouds.resize_by_hand(member.cloud, member.cluster, member.node_pool, to)

    async def step(self, step: Step) -> None:
        """Act, then look until it has come true; remember how it went."""
        self.screen.doing(step.title)
        began_s = self.clock.monotonic()
        self.fewest_ready = None
        if step.act is not None:
            await step.act()
        while not step.come_true(await self.look()):
            if self.clock.monotonic() - began_s > step.within_s:
                self._tell(step, began_s, converged=False)
                raise StepFailed(f"{step.name} did not come true within {step.within_s:.0f} s")
            await self.clock.sleep_until(self.clock.monotonic() + LOOK_EVERY_S)
        self._tell(step, began_s, converged=True)

    def _tell(self, step: Step, began_s: float, *, converged: bool) -> None:
        seconds, source = round(self.clock.monotonic() - began_s, 1), self.running.source
        self.outcome.story.append(
            Told(
                step=step.name,
                converged=converged,
                seconds=seconds,
                fewest_ready=self.fewest_ready,
                ready=self.seen.ready,
                hourly_cost_now=self.seen.hourly_cost_now,
                hourly_cost=self.seen.hourly_cost,
                load=source.load if source else None,
                load_told_by=source.name if source else None,
            )
        )
        self.screen.doing("")
        mark, style = ("✓", "green") if converged else ("✗", "red")
        self.screen.say(f"{mark} {step.title} ({seconds:.1f} s)", style)

    async def look(self) -> PoolRow:
        """Read the pool and the newest events, and show them. Raises DemoError when a program has ended."""
        for program in self.running.programs:
            program.check()
        objects = KubeObjects(self.running.kube, namespaces=())
        if self.running.source is not None and (policy := await objects.read_object(POLICY)) is not None:
            metrics = (policy.get("status") or {}).get("metrics") or [{}]
            self.metric = metrics[0].get("reason")
        if (body := await objects.read_object(POOL)) is not None:
            self.seen = pool_row(body)
            if self.seen.ready is not None:
                known = self.seen.ready if self.fewest_ready is None else self.fewest_ready
                self.fewest_ready = min(known, self.seen.ready)
            self.screen.show(self.seen, await self._events())
        self.outcome.pool = self.seen
        return self.seen

    async def stay(self) -> None:
        """Show the live table until cancelled."""
        while True:
            await self.look()
            await self.clock.sleep_until(self.clock.monotonic() + LOOK_EVERY_S)

    async def _events(self) -> list[EventLine]:
        found = await self.running.kube.list_pages(f"/apis/events.k8s.io/v1/namespaces/{POOL.namespace}/events")
        now = self.clock.now()
        lines = [
            EventLine(
                age_s=(now - datetime.fromisoformat(stamp)).total_seconds(),
                warning=event.get("type") == "Warning",
                reason=str(event.get("reason", "")),
                about=str((event.get("regarding") or {}).get("name", "")),
                note=str(event.get("note", "")),
            )
            for event in found
            if (stamp := event.get("eventTime"))
        ]
        return sorted(lines, key=lambda line: -line.age_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What a play needs around it: a screen, real time, and the kubectl that people may use beside it."""

    screen: Screen
    clock: Clock
    kubectl: Path


async def play(wanted: Wanted, house: House, outcome: Outcome) -> None:
    """Put up, play, stay (unless once), take down; `outcome` is filled as it goes. Raises DemoError."""
    samples = read_samples(wanted.samples, wanted.act.manifests)
    with tempfile.TemporaryDirectory(prefix="multicloud-demo-", ignore_cleanup_errors=True) as made:
        directory = Path(made)
        try:
            async with (
                _loaded(wanted.act, directory, house) as source,
                _running(wanted, directory, house, source) as running,
            ):
                stage = Play(running=running, screen=house.screen, clock=house.clock, samples=samples, outcome=outcome)
                await _tell_story(stage, wanted)
        except (StepFailed, KubeError) as error:
            log = tail(directory / OPERATOR_LOG)
            raise DemoError(f"{error}. The end of the operator's log:\n{log}") from None


async def _tell_story(stage: Play, wanted: Wanted) -> None:
    try:
        await wanted.act.play(stage)
        if not wanted.once:
            stage.screen.say("The story is over; everything stays up for a second terminal. Ctrl-C ends it.")
            await stage.stay()
    finally:
        # If the clouds have gone, too, the first problem is the one to tell.
        with suppress(DemoError):
            stage.outcome.writes = list(await stage.running.clouds.writes())


@asynccontextmanager
async def _loaded(act: Act, directory: Path, house: House) -> AsyncIterator[Source | None]:
    """The act's load and who tells it; None for an act without one."""
    if act.load is None:
        yield None
        return
    found = which("prometheus")
    prometheus = Path(found) if found else None
    async with Source(act.load, prometheus=prometheus, directory=directory, clock=house.clock) as source:
        yield source


@asynccontextmanager
async def _running(wanted: Wanted, directory: Path, house: House, source: Source | None) -> AsyncIterator[Running]:
    screen = house.screen
    screen.doing("A Kubernetes API and three emulated clouds start")
    lab = await Program.start(
        "the lab",
        ["-m", "multicloud_lab", "-o", "json", "--clock-factor", str(wanted.factor), "--die-with-stdin"],
        directory / "lab.log",
        told=True,
    )
    try:
        document = json.loads(await lab.first_line(screen.say))
        async with (
            EmulatedClouds(document) as clouds,
            await KubeClient.connect(Path(clouds.kubeconfig), None) as kube,
        ):
            _introduce(house, clouds, wanted.factor, directory / OPERATOR_LOG)
            if source is not None:
                _introduce_source(screen, source)
            settings, told_at = directory / "settings.yaml", source.url if source else None
            settings.write_text(settings_file(clouds, wanted.factor, told_at), encoding="utf-8")
            operator = await Program.start(
                "the operator",
                ["-m", "multicloud", "run", f"--settings={settings}", "--log-format=console", "--die-with-stdin"],
                directory / OPERATOR_LOG,
            )
            try:
                await apply_kinds(kube, house.clock)
                if source is not None:
                    await source.until_told()
                yield Running(kube=kube, clouds=clouds, source=source, programs=(lab, operator))
            finally:
                screen.doing("The operator gives back its lease and ends")
                await operator.end(OPERATOR_ENDS_WITHIN_S)
    finally:
        await lab.end(LAB_ENDS_WITHIN_S)


def _introduce(house: House, clouds: EmulatedClouds, factor: float, log: Path) -> None:
    screen = house.screen
    screen.say(f"The clouds' clock runs {factor:g} times faster: a minute of theirs takes {60 / factor:.2g} s here.")
    screen.say(f"The operator's log: tail -f {log}", "dim")
    screen.say("For kubectl in a second terminal:", "dim")
    screen.say(f"export KUBECONFIG={clouds.kubeconfig}", "bold")
    if which("kubectl") is None:
        screen.say(f'export PATH="$PATH:{house.kubectl.parent}"', "bold")


def _introduce_source(screen: Screen, source: Source) -> None:
    if source.name == STAND_IN:
        screen.say("There is no prometheus on the PATH (Debian, Ubuntu: prometheus): a stand-in answers in its place.")
    else:
        screen.say(f"The load is told by a {source.name}: {source.url}")
