"""What decides where a pool's units go, and at what price: for programs and in words. `plan`, `explain` and `cost` tell it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from multicloud.cli.plan.scene import Scene, live
from multicloud.decide import bindings
from multicloud.kinds.parse import pool_object
from multicloud.kinds.status import money
from multicloud.model.approval import Binding
from multicloud.run.clock import SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The constraints that bind a pool, the one that costs most first, and the currency of what they cost."""

    bindings: Sequence[Binding] = ()
    currency: str = ""

    @classmethod
    def by_scene(cls, scene: Scene) -> Self:
        """What binds in a scene, assumed sizes included."""
        return cls(bindings=bindings(scene.snapshot), currency=scene.snapshot.spec.currency)

    @classmethod
    def by_status(cls, body: Mapping[str, Any]) -> Self:
        """What binds a pool as the API server has it, by the sizes that its status reports.

        Nothing while not every member is reported, and where the spec is not understood.
        """
        pool = pool_object(body)
        if pool.spec is None:
            return cls()
        scene = live(body, pool, pool.spec, None, SystemClock().now())
        return cls.by_scene(scene) if scene.observed else cls()

    def listed(self) -> list[Mapping[str, str | None]]:
        """For documents: names and amounts as text, None where a price is not known."""
        return [{"name": one.name, "costsPerHour": money(one.costs_per_hour)} for one in self.bindings]

    def sentences(self) -> Iterator[str]:
        """For people, one for each."""
        for one in self.bindings:
            if one.costs_per_hour is None:
                yield f"{one.name}; what it costs is not known, for a price is missing."
            elif one.costs_per_hour == 0:
                yield f"{one.name}, which costs nothing."
            else:
                verb = "costs" if one.costs_per_hour > 0 else "saves"
                yield f"{one.name}, which {verb} {money(abs(one.costs_per_hour))} {self.currency} an hour."
