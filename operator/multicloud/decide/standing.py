"""How a member stands after its intents and facts were judged. Made by `settle`, read by `place`, `gates` and `words`."""

from dataclasses import dataclass

from multicloud.model.plan import MemberView
from multicloud.model.reason import Code, Reason
from multicloud.model.record import MemberRecord
from multicloud.model.size import Activity, NodePool
from multicloud.model.spec import MemberState

_NOT_OURS = frozenset({Code.NODE_POOL_NOT_FOUND, Code.NODE_POOL_CLAIMED, Code.NODE_POOL_LEAVING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One member, judged.

    `record` is its memory after settling. `refusal` is why it may not be acted on. `waiting` is why its intent is
    not settled yet. `found_units` are the units that came with a node pool taken over for the first time. `missing`:
    nodes that were asked for did not come in time, so it counts with those that are ready. `replaced`: it could not be
    seen for so long that it counts with nothing.
    """

    view: MemberView
    record: MemberRecord
    refusal: Reason | None = None
    waiting: Reason | None = None
    found_units: int = 0
    missing: bool = False
    replaced: bool = False

    @property
    def name(self) -> str:
        """The member's name."""
        return self.view.spec.name

    @property
    def units_per_node(self) -> int:
        """Units that one node carries."""
        return self.view.spec.units_per_node

    @property
    def facts(self) -> NodePool | None:
        """The facts, however old."""
        return self.view.sight.proved

    @property
    def fresh_facts(self) -> NodePool | None:
        """The facts, if they are young enough to act on."""
        return self.view.sight.proved if self.view.fresh else None

    @property
    def absent(self) -> bool:
        """True when no node of it can be counted on: gone, going, or another pool's."""
        return self.refusal is not None and self.refusal.code in _NOT_OURS

    @property
    def lost(self) -> bool:
        """True when nothing of it works that should: it is not seen for too long, or none of its nodes is ready."""
        return self.replaced or (self.missing and self.working == 0)

    @property
    def frozen(self) -> bool:
        """True when the user forbids writes to it, or to all of its account."""
        return self.view.paused or self.view.spec.state is MemberState.FROZEN

    @property
    def held(self) -> int:
        """Nodes that somebody else added and that stay on top of the plan for now; taken away and left out: negative."""
        record = self.record
        if record.held_since is None or record.agreed is None:
            return 0
        size = record.intent.origin if record.intent is not None else record.requested
        return (size or 0) - record.agreed

    @property
    def present(self) -> int:
        """The size in nodes that placing starts from: agreed or on its way, as if others had changed nothing."""
        record = self.record
        if record.intent is not None:
            return max(0, record.intent.target - self.held)
        requested = record.requested or 0
        if self.held:
            return requested - self.held
        return requested if record.agreed is None else min(record.agreed, requested)

    @property
    def working(self) -> int:
        """Ready nodes that may be counted on, as last proved."""
        return min(self.record.ready or 0, self.record.requested or 0)

    @property
    def proved_units(self) -> int:
        """Ready units that a removal may count on: young facts only, and never more nodes than stay requested."""
        facts = self.fresh_facts
        return 0 if facts is None or self.absent else min(facts.ready, facts.requested) * self.units_per_node

    @property
    def counted(self) -> int:
        """Nodes that are there or on their way as far as others plan with them."""
        if self.absent or self.replaced:
            return 0
        return self.working if self.missing else self.present

    @property
    def foreign(self) -> bool:
        """True while the cloud runs an operation on the node pool that is not ours."""
        facts = self.fresh_facts
        return facts is not None and facts.activity is Activity.BUSY and self.record.intent is None

    @property
    def quiet(self) -> bool:
        """True shortly after such an operation: whatever size it left is not judged yet, a surge may still go."""
        facts, record = self.fresh_facts, self.record
        return facts is not None and record.foreign_until is not None and facts.requested != record.agreed

    @property
    def movable(self) -> NodePool | None:
        """The facts, if a resize may be asked for now as far as the member alone is concerned."""
        facts = self.fresh_facts
        if facts is None or self.refusal is not None or self.frozen or self.record.claim is None:
            return None
        return None if self.record.intent is not None or facts.activity is Activity.BUSY else facts
