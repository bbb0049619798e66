"""What decides where a pool's units go, and at what price: for programs and in words. `plan`, `explain` and `cost` tell it."""

from collections.abc import Mapping, Sequence

from multicloud.kinds.status import money
from multicloud.model.plan import Binding


def listed(bindings: Sequence[Binding]) -> list[Mapping[str, str | None]]:
    """For documents: names and amounts as text, None where a price is not known."""
    return [{"name": one.name, "costsPerHour": money(one.costs_per_hour)} for one in bindings]


def sentence(binding: Binding, currency: str) -> str:
    """One of those in words."""
    name, amount = binding.name, binding.costs_per_hour
    if amount is None:
        return f"{name}; what it costs is not known, for a price is missing."
    if amount == 0:
        return f"{name}, which costs nothing."
    return f"{name}, which {'costs' if amount > 0 else 'saves'} {money(abs(amount))} {currency} an hour."
