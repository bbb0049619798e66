"""Makes snapshots, members and facts for tests: say only what the test is about, the rest is an ordinary pool at rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from multicloud.model.plan import Headroom, MemberPlan, MemberView, Plan, Snapshot, Stop
from multicloud.model.reason import Reason
from multicloud.model.record import Claim, Intent, MemberRecord, PoolRecord
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.size import NodePool, Operation, OperationState, ReadySource, Sight
from multicloud.model.spec import Disruption, MemberSpec, PoolSpec, Price, VoluntaryMoves

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
POOL = ObjectKey(kind=Kind.POOL, namespace="shop", name="web")
UID = "0b1c2d3e-0000-4000-8000-000000000001"
PLENTY = Headroom(add=100_000, remove=100_000)
WRITE_WINDOW_S = 30.0
_DISRUPTION = {field.name for field in fields(Disruption)}


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def node_pool_ref(name: str) -> NodePoolRef:
    return NodePoolRef(cluster=ClusterRef(cloud=Cloud.AWS, location="us-east-1", name="shop-prod"), name=name)


def member_spec(name: str, *, max_nodes: int = 100, **fields: Any) -> MemberSpec:
    account = fields.pop("account", "aws-prod")
    return MemberSpec(name=name, account=account, node_pool=node_pool_ref(name), max_nodes=max_nodes, **fields)


def node_pool(name: str, size: int, **fields: Any) -> NodePool:
    """Facts of a node pool at rest with `size` ready nodes, unless `fields` say otherwise."""
    facts: dict[str, Any] = {
        "ref": node_pool_ref(name),
        "claim": f"111122223333/us-east-1/shop-prod/{name}",
        "incarnation": f"{name}-1",
        "requested": size,
        "nodes": size,
        "ready": size,
        "ready_source": ReadySource.CLOUD,
    }
    return NodePool(**facts | fields)


def claim_of(facts: NodePool) -> Claim:
    return Claim(key=facts.claim, incarnation=facts.incarnation, since=NOW - timedelta(days=1))


def sight_of(facts: NodePool, *, read_at: datetime = NOW) -> Sight:
    return Sight(proved=facts, read_at=read_at, looked=True)


def intent(origin: int, target: int, *, age_s: float = 10.0, operation: str | None = None) -> Intent:
    started_at = NOW - seconds(age_s)
    return Intent(
        id="0123456789abcdef0123456789abcdef",
        target=target,
        origin=origin,
        started_at=started_at,
        deadline=started_at + seconds(900),
        operation=operation,
    )


def operation(name: str, state: OperationState, words: str = "") -> Operation:
    return Operation(id="op-1", pool=node_pool_ref(name), state=state, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a test: what is wanted, what is seen, what is remembered."""

    view: MemberView
    record: MemberRecord

    def seen(self, **changes: Any) -> "Member":
        """The same with other facts."""
        assert self.view.sight.proved is not None
        facts = replace(self.view.sight.proved, **changes)
        return replace(self, view=replace(self.view, sight=replace(self.view.sight, proved=facts)))

    def viewed(self, **changes: Any) -> "Member":
        """The same with another view."""
        return replace(self, view=replace(self.view, **changes))

    def wanted(self, **changes: Any) -> "Member":
        """The same with another spec."""
        return replace(self, view=replace(self.view, spec=replace(self.view.spec, **changes)))

    def remembered(self, **changes: Any) -> "Member":
        """The same with another record."""
        return replace(self, record=replace(self.record, **changes))


def member(name: str, size: int = 0, **spec: Any) -> Member:
    """An adopted, idle member with `size` ready nodes, seen just now; `spec` are fields of its MemberSpec."""
    facts = node_pool(name, size)
    wanted = member_spec(name, **spec)
    view = MemberView(spec=wanted, node_pool=wanted.node_pool, sight=sight_of(facts), fresh=True, headroom=PLENTY)
    record = MemberRecord(name=name, claim=claim_of(facts), agreed=size, requested=size, nodes=size, ready=size)
    return Member(view=view, record=record)


def priced(name: str, size: int, price: str, *, cloud: Cloud = Cloud.AWS, region: str = "", **spec: Any) -> Member:
    """A member at rest whose nodes cost so many dollars an hour, in a cluster of that cloud and region."""
    made = member(name, size, price=Price(amount=Decimal(price), currency="USD"), **spec)
    cluster = ClusterRef(cloud=cloud, location=region, name="shop-prod")
    return made.wanted(node_pool=NodePoolRef(cluster=cluster, name=name))


def found(name: str, size: int, **spec: Any) -> Member:
    """A member whose node pool is seen for the first time."""
    return replace(member(name, size, **spec), record=MemberRecord(name=name))


def unknown(name: str, size: int, trouble: Reason, **spec: Any) -> Member:
    """A member last proved with `size` nodes, whose newest reads failed."""
    known = member(name, size, **spec)
    return known.viewed(fresh=False, sight=replace(known.view.sight, trouble=trouble))


def unseen(name: str, **spec: Any) -> Member:
    """A member that nobody has looked at yet in this process, and that no status remembers."""
    return replace(member(name, 0, **spec), record=MemberRecord(name=name)).viewed(sight=Sight(), fresh=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool of a test; `spec` overrides fields of its PoolSpec and of its Disruption, which limits nothing by itself."""

    members: Sequence[Member]
    spec: dict[str, Any] = field(default_factory=dict)
    record: PoolRecord = field(default_factory=PoolRecord)
    now: datetime = NOW
    stop: Stop = Stop.NONE
    headroom: Headroom = PLENTY

    def snapshot(self) -> Snapshot:
        """The snapshot of a pass over the pool."""
        given: dict[str, Any] = {
            "replicas": None,
            "min_replicas": 0,
            "max_replicas": 100_000,
        } | self.spec
        hasty = {"max_unavailable_percent": 100, "max_nodes_per_step": 100_000, "step_pause_s": 0}
        free = {"max_surge_percent": 100_000, "voluntary_moves": VoluntaryMoves.ALWAYS}
        limits: dict[str, Any] = {**hasty, **free, "scale_down_delay_s": 0}
        limits |= {name: given.pop(name) for name in _DISRUPTION & given.keys()}
        wanted = tuple(member.view.spec for member in self.members)
        spec = PoolSpec(members=wanted, disruption=Disruption(**limits), **given)
        return Snapshot(
            now=self.now,
            key=POOL,
            uid=UID,
            generation=1,
            spec=spec,
            record=replace(self.record, members=tuple(member.record for member in self.members)),
            members=tuple(member.view for member in self.members),
            stop=self.stop,
            headroom=self.headroom,
            write_window_s=WRITE_WINDOW_S,
            quiet_s=600.0,
        )


def snapshot(*members: Member, **fields: Any) -> Snapshot:
    """The snapshot of a pool with these members; `fields` are those of Pool or else of PoolSpec."""
    own = {name: fields.pop(name) for name in ("record", "now", "stop", "headroom") if name in fields}
    return Pool(members=members, spec=fields, **own).snapshot()


def of(plan: Plan, name: str) -> MemberPlan:
    """A member's part of a plan."""
    return next(part for part in plan.members if part.name == name)


def asked(plan: Plan) -> dict[str, int]:
    """The sizes that a plan asks for now, by member."""
    return {part.name: part.ask for part in plan.members if part.ask is not None}


def targets(plan: Plan) -> dict[str, int | None]:
    """The final sizes of a plan, by member."""
    return {part.name: part.target for part in plan.members}
