"""The crash matrix: one story, told once for every place where something can go wrong, one trouble each time.

A pool grows and shrinks in one cloud. A run without trouble says which calls there are: every request that reached the
cloud and every status write. Each of them makes cells: every trouble, before and after the call took effect. A cell is
sound when the cloud saw exactly the resizes of the run without trouble, and all is well in the end.

    cells = await matrix.cells()
    wrong = [await matrix.play(cell) for cell in cells]

SIGKILL is the end of every task of the process here; tests/cluster kills real ones.
"""

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import pairwise, product
from typing import Any, Literal

from pydantic.alias_generators import to_camel

from multicloud.model.port import Rejected
from multicloud.model.ref import ObjectKey
from multicloud.settings import Observe
from multicloud_lab.core.calls import When
from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faultkinds import Action, Answer, Hang, LostResponse, Reset
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import (
    AksCluster,
    AksPool,
    AwsSeed,
    AzureSeed,
    EksCluster,
    EksNodegroup,
    GcpSeed,
    GkeCluster,
    GkePool,
    Seed,
    Span,
    SwitchValue,
    Timings,
)
from multicloud_lab.thread import LabThread
from support.samples import RESIZE
from support.world import World, members

FOUND, GROWN, SHRUNK, MOST = 4, 9, 6, 12
"""Nodes at the start, the wishes in their order, the pool's maximum."""

STATUS = "status write"
"""What the calls to the API server are called beside the clouds' own names."""

HANG_S = 0.5
"""Deadline of a call, in real seconds, where one hangs until it."""

WRITE_TIMES_OUT_S = 10.0
AFTERWARDS_MINUTES = 3
"""Longer than every wait of the story's pool: what would come late comes within it."""

SOUND = {"Ready": "True", "Reconciling": "False", "Stalled": "False", "Observed": "True", "Drifted": "False"}
"""How the conditions end."""

SPARE = 2
"""Nodes that a cloud short of machines, or of quota, still has."""

SCARCE_MINUTES = 2

QUICK = Timings(
    boot=Span(min=6, max=6),
    drain_s=4,
    eks_update=Span(min=9, max=9),
    eks_asg_lag=Span(min=2, max=2),
    aks_operation=Span(min=9, max=9),
    gke_operation=Span(min=9, max=9),
)
"""Quick clouds: as many different calls as slow ones, and fewer repetitions of the same."""


SEEDS: Mapping[str, AwsSeed | AzureSeed | GcpSeed] = {
    "aws": AwsSeed(clusters=(EksCluster(name="shop-prod", nodegroups=(EksNodegroup(name="web", desired=FOUND),)),)),
    "azure": AzureSeed(
        clusters=(
            AksCluster(
                name="shop-prod", pools=(AksPool(name="system", mode="System"), AksPool(name="web", count=FOUND))
            ),
        )
    ),
    "gcp": GcpSeed(
        clusters=(
            GkeCluster(
                name="shop-batch",
                location="europe-west1-b",
                zones=("europe-west1-b",),
                pools=(GkePool(name="web", node_count=FOUND),),
            ),
        )
    ),
}

QUOTAS = {
    "aws": ("111122223333", "us-east-1"),
    "azure": ("00000000-0000-0000-0000-000000000001", "westeurope"),
    "gcp": ("shop-prod-1", "europe-west1"),
}
"""Where a quota counts: account and region."""


Move = tuple[int, int]
"""A resize: from so many nodes to so many."""

CHANGES = {STATUS, *RESIZE.values()}
"""The calls that change something."""


class Trouble(StrEnum):
    """What goes wrong with one call."""

    CRASH = "crash"
    LOST = "lost"
    TIMED_OUT = "timed out"
    CONFLICT = "409"
    BROKEN = "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One cloud under one reading of what its vendor leaves open: switches of the lab by name.

    `scarce`: fewer machines (or less quota) than wished for at first, where the switches are about what happens then.
    """

    cloud: str
    switches: Mapping[str, SwitchValue] = field(default_factory=dict)
    scarce: Literal["machines", "quota"] | None = None

    def __str__(self) -> str:
        words = [f"{name}={value}" for name, value in self.switches.items()]
        return " ".join([self.cloud, *([f"scarce {self.scarce}"] if self.scarce else []), *words])

    def seed(self) -> Seed:
        """One cluster with one node pool."""
        part = SEEDS[self.cloud].model_copy(update={"switches": dict(self.switches)})
        return Seed(timings=QUICK).model_copy(update={self.cloud: part})

    def ration(self, lab: Lab) -> None:
        """Take away what is scarce."""
        if self.scarce == "machines":
            lab.capacity.set_free(self.cloud, None, None, SPARE)
        elif self.scarce == "quota":
            lab.quotas.set_limit(self.cloud, *QUOTAS[self.cloud], Limit(nodes=FOUND + SPARE))

    def supply(self, lab: Lab) -> None:
        """Give as much as anybody wants."""
        if self.scarce == "machines":
            lab.capacity.set_free(self.cloud, None, None, None)
        elif self.scarce == "quota":
            lab.quotas.set_limit(self.cloud, *QUOTAS[self.cloud], Limit())


def assert_every_switch_is_said(switches: type[Any], variants: Sequence[Variant], apart: Collection[str]) -> None:
    """Each of a cloud's `switches` has a variant, or stands `apart` from what is played."""
    played = {name for variant in variants for name in variant.switches}
    assert {to_camel(each.name) for each in fields(switches)} == played | set(apart)
    assert not played & set(apart)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One trouble with the nth call of a name."""

    operation: str
    nth: int
    when: When
    trouble: Trouble

    def __str__(self) -> str:
        return f"{self.trouble} {self.when} {self.operation} {self.nth}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run left behind: whether the trouble came, effective resizes, calls by name, what is not as it should be."""

    struck: bool
    resizes: Sequence[Move]
    calls: Mapping[str, int]
    wrong: Sequence[str]


class CrashMatrix:
    """All cells of one variant, played on a lab that is shared: each run starts it again."""

    def __init__(self, lab: LabThread, variant: Variant) -> None:
        self._lab = lab
        self._variant = variant
        self._clean: Ran | None = None

    async def cells(self) -> list[Cell]:
        """Every cell there is, told by a run without trouble."""
        self._clean = await self._run(None)
        assert self._clean.wrong == [], f"{self._variant} without trouble: {self._clean.wrong}"
        return [
            Cell(operation=operation, nth=nth, when=when, trouble=trouble)
            for operation, calls in self._clean.calls.items()
            for nth, when, trouble in product(range(1, calls + 1), _moments(operation), Trouble)
        ]

    async def play(self, cell: Cell) -> list[str] | None:
        """Play a cell; returns a sentence for each thing that is wrong, None where its trouble never came.

        Two threads that log in at the same time may, or may not, both ask for a token.
        """
        assert self._clean is not None, "ask for the cells first"
        ran = await self._run(cell)
        if not ran.struck:
            return None
        wrong = list(ran.wrong)
        strange = _hasty(ran.resizes) if self._variant.scarce else ran.resizes != self._clean.resizes
        if strange:
            wrong.append(f"resized {ran.resizes}; without trouble {self._clean.resizes}")
        return [f"{self._variant}, {cell}: {each}" for each in wrong]

    async def _run(self, cell: Cell | None) -> Ran:
        self._lab.reseed(self._variant.seed())
        hangs = cell is not None and cell.trouble is Trouble.TIMED_OUT
        timeout: dict[str, Any] = {"call_timeout_s": HANG_S} if hangs else {}
        world = World(self._lab, clouds=[self._variant.cloud], observe=Observe(busy_min_s=10), **timeout)
        story = _Story(world, self._variant)
        async with world:
            struck = await _told(story, cell)
            return Ran(struck=struck, resizes=story.resizes(), calls=story.calls(), wrong=story.judge())


def _moments(operation: str) -> Sequence[When]:
    """A call that changes nothing is over before it began: one moment is like the other."""
    return ("before", "after") if operation in CHANGES else ("before",)


def _hasty(resizes: Sequence[Move]) -> bool:
    """Where nodes are given back and tried again, trouble may change how often: but nothing twice, nothing beyond."""
    twice = any(one == again for one, again in pairwise(resizes) if again[0] == one[1])
    return twice or any(not FOUND <= to <= MOST for _, to in resizes)


class _Story:
    """What is told in each run. It goes on where it was when its process was killed."""

    def __init__(self, world: World, variant: Variant) -> None:
        self.world = world
        self.cloud = variant.cloud
        self.status_writes = 0
        self._variant = variant
        self._scarce = variant.scarce is not None
        self._wish = GROWN

    def begin(self) -> None:
        """Apply the pool."""
        self.world.lab.run(self._variant.ration)
        self.world.pool(
            replicas=GROWN,
            minReplicas=SHRUNK - 1,
            maxReplicas=MOST,
            adoption="Apply",
            drift={"surplus": "Hold", "deficit": "Correct", "holdSeconds": 60},
            failover={"provisionTimeoutSeconds": 60, "backoffSeconds": 180},
            members=members(self.cloud, minNodes=0, maxNodes=MOST),
        )

    async def tell(self) -> None:
        """Until all is over."""
        if self._scarce:
            await self.world.run_for(minutes=SCARCE_MINUTES)
            self.world.lab.run(self._variant.supply)
            self._scarce = False
        await self.world.run_until(self._settled, minutes=30)
        if self._wish == GROWN:
            self._wish = SHRUNK
            self.world.edit(replicas=SHRUNK)
            await self.world.run_until(self._settled, minutes=30)
        await self.world.run_for(minutes=AFTERWARDS_MINUTES)

    def _settled(self) -> bool:
        if self.world.status().get("replicas") != self._wish or self.world.condition("Reconciling")[0] != "False":
            return False
        member = self.world.member(self.cloud)
        return member["requestedNodes"] == self._wish and member.get("intent") is None

    def resizes(self) -> list[Move]:
        """The effective resizes, each from so many nodes to so many."""
        journal = self.world.lab.journal()
        return [
            (int(str(call["from"])), int(str(call["to"]))) for call in journal if call["effective"] and call["pool"]
        ]

    def calls(self) -> Mapping[str, int]:
        """Every external call of the story, by name."""
        asked = Counter(str(call["operation"]) for call in self.world.lab.journal() if call["cloud"] == self.cloud)
        return {**asked, STATUS: self.status_writes}

    def judge(self) -> list[str]:
        """What is not as it should be, now that all is over."""
        world, wrong = self.world, list(self.world.lab.violations())
        member = world.member(self.cloud)
        shown = {name: member[name] for name in ("requestedNodes", "nodes", "readyNodes", "targetNodes")}
        if set(shown.values()) != {SHRUNK}:
            wrong.append(f"the status ends with {shown}")
        if member.get("intent") is not None:
            wrong.append("an intent is left")
        for kind, wanted in SOUND.items():
            status, reason = world.condition(kind)
            if status != wanted:
                wrong.append(f"{kind} ends {status}: {reason}")
        return wrong


async def _told(story: _Story, cell: Cell | None) -> bool:
    """Tell the story with the cell's trouble in it; False when that never came."""
    lab = story.world.lab
    meddler = _Meddler(story, cell)
    story.world.cluster.meddle = meddler.meddle
    story.begin()
    if cell is None:
        await story.tell()
        return True
    if cell.trouble is Trouble.CRASH and cell.operation == STATUS:
        return await _crashed(story, asyncio.ensure_future(meddler.struck.wait()))
    if cell.trouble is Trouble.CRASH:
        hold = lab.hold(cell.operation, when=cell.when, nth=cell.nth)
        return await _crashed(story, story.world.when_reached(hold), lambda: lab.release(hold, "drop"))
    if cell.operation == STATUS:
        await story.tell()
        return meddler.struck.is_set()
    fault = lab.place(Fault(match=Match(operation=cell.operation, nth=cell.nth), action=_action(cell), when=cell.when))
    await story.tell()
    return lab.run(lambda lab: any(placed.id == fault and placed.applied == 1 for placed in lab.faults.placed()))


async def _crashed(story: _Story, reached: asyncio.Future[Any], then: Callable[[], None] = lambda: None) -> bool:
    """Kill the process when a call has come to its point, do what is to be done `then`, and start another one."""
    if not await story.world.crash_at(reached, story.tell()):
        return False
    then()
    story.world.start()
    await story.tell()
    return True


class _Meddler:
    """Counts status writes, and brings a cell's trouble over one of them."""

    def __init__(self, story: _Story, cell: Cell | None) -> None:
        self._story = story
        self._cell = cell if cell is not None and cell.operation == STATUS else None
        self.struck = asyncio.Event()

    async def meddle(self, key: ObjectKey, when: When) -> Rejected | None:
        story, cell = self._story, self._cell
        story.status_writes += when == "before"
        if cell is None or (story.status_writes, when) != (cell.nth, cell.when) or self.struck.is_set():
            return None
        self.struck.set()
        match cell.trouble:
            case Trouble.CRASH:
                await asyncio.get_running_loop().create_future()  # for as long as the process lives
            case Trouble.TIMED_OUT:
                await story.world.clock.sleep_until(story.world.clock.monotonic() + WRITE_TIMES_OUT_S)
        if cell.when == "after":  # what was stored comes back through the watch
            story.world.operator.store.put(copy.deepcopy(story.world.cluster.objects[key]))
        return Rejected(gone=False, stale=cell.trouble is Trouble.CONFLICT, words=str(cell.trouble))


def _action(cell: Cell) -> Action:
    match cell.trouble:
        case Trouble.LOST:
            return Reset() if cell.when == "before" else LostResponse()
        case Trouble.TIMED_OUT:
            return Hang()
        case Trouble.CONFLICT:
            return Answer(status=409)
        case _:
            return Answer(status=503)
