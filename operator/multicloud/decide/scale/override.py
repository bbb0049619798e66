"""What becomes of the annotation's override in this pass: followed, over, or a mistake. Called by `wish`."""

from multicloud.model.override import Override, SeenOverride
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Reason


def seen_override(snapshot: Snapshot) -> SeenOverride | None:
    """The override with when it was first seen; None where there is none, or none that can be understood.

    Any change of it makes another one, seen now.
    """
    asked, known = snapshot.spec.override, snapshot.record.override
    if not isinstance(asked, Override):
        return None
    return known if known is not None and known.override == asked else SeenOverride(override=asked, since=snapshot.now)


def override_problem(snapshot: Snapshot, seen: SeenOverride | None) -> Reason | None:
    """Why the annotation is not followed, though somebody meant it to be."""
    if isinstance(snapshot.spec.override, Reason):
        return snapshot.spec.override
    return seen.problem if seen is not None else None
