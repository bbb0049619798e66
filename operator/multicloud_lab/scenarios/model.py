"""Scenario files: read from YAML, checked by pydantic, one scenario per cloud made of each.

A file holds `name`, `about`, `clouds`, `seed` (laid over the default seed: maps are merged, all else replaced),
`script` (steps) and `facts`. `resize` and `read` stand for the operation's name in the scenario's cloud;
`cluster` and `nodePool` are by default shop-batch and web, which has 4 nodes in every cloud of the default seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from multicloud_lab.core.faultfile import FaultError, read_fault
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.mistakes import FilePart, closest, first_mistake
from multicloud_lab.core.seed import Seed, SeedError, read_seed, read_yaml
from multicloud_lab.operationnames import ACTIONS
from multicloud_lab.operationnames import OPERATIONS as NAMES

Cloud = Literal["aws", "azure", "gcp"]

SERVICES: Mapping[Cloud, str] = {"aws": "eks", "azure": "aks", "gcp": "gke"}
"""What a scenario's name ends with, by cloud."""

OPERATIONS: Mapping[str, Mapping[Cloud, str]] = {
    "resize": {"aws": "UpdateNodegroupConfig", "azure": "AgentPools_CreateOrUpdate", "gcp": "SetNodePoolSize"},
    "read": {"aws": "DescribeNodegroup", "azure": "AgentPools_Get", "gcp": "GetNodePool"},
}
"""Operations that every cloud has, by the word for them in scenario files."""

_KNOWN: Mapping[str, frozenset[str]] = {cloud: names | OPERATIONS.keys() for cloud, names in NAMES.items()}

PACK = Path(__file__).parent / "pack"
"""Where the scenarios are that come with the lab."""


class ScenarioError(Exception):
    """A scenario file cannot be used; the text is one line: file, path of the field, what is allowed."""


def _operation(name: str) -> str:
    names = {name for there in _KNOWN.values() for name in there}
    if name not in names:
        message = f"{name} is no operation: there are {closest(name, names)}"
        raise ValueError(message)
    return name


OperationName = Annotated[str, AfterValidator(_operation)]
"""An operation of one of the clouds by its own name there, or a word of OPERATIONS."""


def _action(name: str) -> str:
    known = {action for there in ACTIONS.values() for action in there}
    if name not in known:
        message = f"{name} is no action of a cloud: there are {closest(name, known)}"
        raise ValueError(message)
    return name


ActionName = Annotated[str, AfterValidator(_action)]
"""What a cloud's permissions call an action, as the cloud spells it."""


def _list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Place(FilePart):
    """A pool of the scenario's cloud."""

    cluster: str = "shop-batch"
    node_pool: str = "web"


EVERY = "*"
"""As a wish's cluster or pool: every one that there is."""


class Wish(Place):
    """Tell the client how many nodes a pool is to have, and on EKS its range; `owner` says who wishes it.

    "*" as cluster or nodePool is every one of the scenario's cloud.
    """

    to: int = Field(ge=0)
    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=1)
    owner: str = "shop"

    @model_validator(mode="after")
    def _range(self) -> Self:
        if (self.min is None) is not (self.max is None):
            message = "min and max are given together"
            raise ValueError(message)
        return self


class Ticks(FilePart):
    """Let the client act `count` times, with `everySeconds` of virtual time after each."""

    count: int = Field(default=1, ge=1)
    every_seconds: float = Field(default=15, ge=0)


class Settle(FilePart):
    """Let the client act until it says that all is as wished; not in time is a failure."""

    within_seconds: float = Field(default=1800, gt=0)
    every_seconds: float = Field(default=15, gt=0)


class Hand(Place):
    """Somebody else acts; `to` goes with resize and autoscale, `seconds` with upgrade."""

    act: Literal["resize", "autoscale", "upgrade", "abort", "delete", "recreate"]
    to: int | None = Field(default=None, ge=0)
    seconds: float = Field(default=3600, gt=0)

    @model_validator(mode="after")
    def _sized(self) -> Self:
        if (self.to is not None) is not (self.act in {"resize", "autoscale"}):
            message = "`to` goes with resize and autoscale, and only with them"
            raise ValueError(message)
        return self


class Meanwhile(Place):
    """While the client's call is held before or after its commit, the hand acts or the client is killed."""

    operation: OperationName = "resize"
    when: Literal["before", "after"] = "before"
    hand: Hand | None = None
    kill: bool = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.hand is None) is not self.kill:
            message = "one of hand and kill must be given"
            raise ValueError(message)
        return self


class Stock(FilePart):
    """How many more machines there are in a zone; null: without limit."""

    zone: str | None = None
    free: int | None = Field(ge=0)


class QuotaStep(FilePart):
    """How many nodes the scenario's account may have in its region; null: without limit."""

    nodes: int | None = Field(ge=0)


def _fault(raw: object) -> object:
    if isinstance(raw, Fault):
        return raw
    try:
        return read_fault(raw, known=_KNOWN)
    except FaultError as error:
        raise ValueError(str(error)) from error


class Step(FilePart):
    """One step of a script: exactly one of these. `deny` names an action as the cloud does, for the client."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    wish: Wish | None = None
    ticks: Ticks | None = None
    settle: Settle | None = None
    advance: float | None = Field(default=None, gt=0)
    fault: Annotated[Fault, BeforeValidator(_fault)] | None = None
    lift_faults: Literal[True] | None = None
    hand: Hand | None = None
    meanwhile: Meanwhile | None = None
    capacity: Stock | None = None
    quota: QuotaStep | None = None
    deny: ActionName | None = None
    restore: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.kind is None:
            kinds = ", ".join(sorted(to_camel(name) for name in type(self).model_fields))
            message = f"a step has exactly one of {kinds}"
            raise ValueError(message)
        return self

    @property
    def kind(self) -> str | None:
        """The name of the field that is set."""
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        return given[0] if given else None


class Bounds(FilePart):
    """How often: `is`, or `atLeast` and `atMost`."""

    is_: int | None = Field(default=None, ge=0, alias="is")
    at_least: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.is_ is None and self.at_least is None and self.at_most is None:
            message = "one of is, atLeast, atMost must be given"
            raise ValueError(message)
        return self

    def broken(self, count: int) -> str | None:
        """Say what a count should have been, or None when it is within the bounds."""
        if self.is_ is not None and count != self.is_:
            return f"exactly {self.is_}"
        if self.at_least is not None and count < self.at_least:
            return f"at least {self.at_least}"
        if self.at_most is not None and count > self.at_most:
            return f"at most {self.at_most}"
        return None


Result = Literal["ok", "refused", "busy", "throttled", "denied"]


class Resizes(Bounds, Place):
    """How many calls of the client (or all, `by: anybody`) changed the pool's wished size."""

    by: Literal["client", "anybody"] = "client"


class Calls(Bounds):
    """How many calls the client made, of an operation and with a result: a word for any cloud, or its code."""

    operation: OperationName | None = None
    result: Result | str | None = None


class Tokens(Bounds):
    """How many different idempotency tokens the client's calls of an operation bore."""

    operation: OperationName = "resize"


class Sizes(Place):
    """Within what every wished size lay that the client set on the pool."""

    at_least: int = Field(default=0, ge=0)
    at_most: int | None = Field(default=None, ge=0)


class Rate(FilePart):
    """At most `atMost` calls of the client of an operation (absent: any) in any `seconds` virtual seconds."""

    operation: OperationName | None = None
    at_most: int = Field(ge=0)
    seconds: float = Field(gt=0)


class Quiet(FilePart):
    """For so many virtual seconds after an answer `after` to an operation, the client does not call it again."""

    operation: OperationName = "resize"
    after: Result
    seconds: float = Field(gt=0)


class PoolFact(Place):
    """How the pool stands at the end; absent is not looked at."""

    requested: int | None = Field(default=None, ge=0)
    ready: int | None = Field(default=None, ge=0)
    status: Annotated[tuple[str, ...], BeforeValidator(_list)] | None = None


class Told(Place):
    """What the client said last of the pool."""

    settled: bool


class Fact(FilePart):
    """One fact: exactly one of these."""

    resizes: Resizes | None = None
    calls: Calls | None = None
    tokens: Tokens | None = None
    sizes: Sizes | None = None
    rate: Rate | None = None
    quiet: Quiet | None = None
    pool: PoolFact | None = None
    told: Told | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or all(value is None for value in self.__dict__.values()):
            message = f"a fact has exactly one of {', '.join(sorted(type(self).model_fields))}"
            raise ValueError(message)
        return self


class File(FilePart):
    """A scenario file."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    about: str = Field(min_length=1)
    clouds: Annotated[tuple[Cloud, ...], Field(min_length=1)] = ("aws", "azure", "gcp")
    seed: dict[str, Any] = Field(default={})
    script: Annotated[tuple[Step, ...], Field(min_length=1)]
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario in one cloud."""

    name: str
    about: str
    cloud: Cloud
    seed: Seed
    script: Sequence[Step]
    facts: Sequence[Fact]

    def operation(self, word: str) -> str:
        """Return an operation's name in this cloud."""
        return operation(self.cloud, word)


def operation(cloud: Cloud, word: str) -> str:
    """Return the name in a cloud of what scenario files call `resize` and `read`; other words are names already."""
    return OPERATIONS[word][cloud] if word in OPERATIONS else word


def load(path: Path) -> list[Scenario]:
    """Read a scenario file: one scenario for each of its clouds. Raises ScenarioError."""
    try:
        file = File.model_validate(read_yaml(path))
        seed = read_seed(_laid_over(Seed().model_dump(mode="json", by_alias=True), file.seed))
    except ValidationError as error:
        message = f"{path}: {first_mistake(error, File)}"
        raise ScenarioError(message) from error
    except SeedError as error:
        text = str(error)
        raise ScenarioError(text if text.startswith(f"{path}: ") else f"{path}: seed.{text}") from error
    return [
        Scenario(
            name=f"{file.name}-{SERVICES[cloud]}",
            about=" ".join(file.about.split()),
            cloud=cloud,
            seed=seed,
            script=file.script,
            facts=file.facts,
        )
        for cloud in file.clouds
    ]


def pack() -> list[Scenario]:
    """Return every scenario that comes with the lab, by name. Raises ScenarioError."""
    found = [scenario for path in sorted(PACK.glob("*.yaml")) for scenario in load(path)]
    return sorted(found, key=lambda scenario: scenario.name)


def _laid_over(below: object, above: object) -> object:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: _laid_over(below.get(name), value) for name, value in above.items()}}
