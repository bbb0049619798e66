"""A pool's nodes by VM size: what a VirtualMachines pool's profile may say, and how wished nodes are spread.

Pure functions: rules judge with them, engine, operations and hands change sizes with them. Source: the 2026-08-01
model (ScaleProfile, ManualScaleProfile, AutoScaleProfile); which of the two lists goes with enableAutoScaling is not
documented, so the lab takes each list with its own value of it and no profile with both.
"""

from collections.abc import Mapping

from multicloud_lab.aks.errors import ArmError, bad_content, invalid
from multicloud_lab.aks.state import NODES, VIRTUAL_MACHINES, Properties, scale_profile, size_ranges, sizes_of

_PROFILE = "virtualMachinesProfile"
_ELSEWHERE = ("vmSize", "count", "minCount", "maxCount")
"""Properties that a VirtualMachines pool has in its profile, size by size."""


def completed(spec: Properties, *, asked: bool | None, before: Mapping[str, int]) -> Properties:
    """Return a spec with what follows from its profile of sizes. Raises ArmError.

    `asked` is the request's own enableAutoScaling. An autoscaled size keeps its nodes of `before` as far as its range
    lets it, a new one starts with its minimum.
    """
    if spec["type"] != VIRTUAL_MACHINES:
        if spec.get(_PROFILE):
            raise invalid(_PROFILE, f"it goes with type {VIRTUAL_MACHINES} only.")
        return spec
    for name in _ELSEWHERE:
        if name in spec:
            raise invalid(name, f"a pool of type {VIRTUAL_MACHINES} has its sizes in {_PROFILE}.")
    _check_shape(spec.get(_PROFILE) or {})
    manual, automatic = scale_profile(spec, "manual"), scale_profile(spec, "autoscale")
    _check_lists(manual, automatic)
    if asked is not None and asked is not bool(automatic):
        raise invalid("enableAutoScaling", f"it must be {str(bool(automatic)).lower()} with this {_PROFILE}.scale.")
    whole = {**spec, "enableAutoScaling": bool(automatic)}
    whole.pop(NODES, None)
    ranges = size_ranges(whole)
    return with_nodes(whole, {size: _within(before.get(size, 0), ranges[size]) for size in ranges}) if ranges else whole


def with_nodes(spec: Properties, nodes: Mapping[str, int]) -> Properties:
    """Return the spec of a pool with so many nodes wished by VM size."""
    if spec["type"] != VIRTUAL_MACHINES:
        return {**spec, "count": sum(nodes.values())}
    listed = [{"size": size, "count": count} for size, count in nodes.items()]
    if scale_profile(spec, "autoscale"):
        return {**spec, NODES: listed}
    return {**spec, _PROFILE: {"scale": {"manual": listed}}}


def spread(spec: Properties, to: int) -> dict[str, int]:
    """Return `to` nodes by VM size: the last sizes take the difference, an autoscaled one within its range."""
    nodes, ranges = dict(sizes_of(spec)), size_ranges(spec)
    missing = to - sum(nodes.values())
    for size in reversed(nodes):
        moved = _within(nodes[size] + missing, ranges.get(size, (0, to)))
        missing -= moved - nodes[size]
        nodes[size] = moved
    return nodes


def _within(nodes: int, bounds: tuple[int, int]) -> int:
    low, high = bounds
    return min(max(nodes, low), high)


def _check_shape(profile: Properties) -> None:
    scale = profile.get("scale") or {}
    if not isinstance(scale, dict):
        raise bad_content(f"'properties.{_PROFILE}.scale' has the wrong type, expected dict.")
    for kind in ("manual", "autoscale"):
        if not isinstance(scale.get(kind) or [], list):
            raise bad_content(f"'properties.{_PROFILE}.scale.{kind}' has the wrong type, expected list.")


def _check_lists(manual: list[Properties], automatic: list[Properties]) -> None:
    if manual and automatic:
        raise invalid(f"{_PROFILE}.scale", "manual and autoscale exclude each other.")
    if not manual and not automatic:
        raise invalid(f"{_PROFILE}.scale.manual", "at least one size is required.")
    where = f"{_PROFILE}.scale.{'manual' if manual else 'autoscale'}"
    for each in manual:
        if not _is_size(each) or not _is_count(each.get("count")):
            raise invalid(where, "each has a size and a count of 0 or more.")
    for each in automatic:
        if not _is_size(each) or not _is_count(each.get("minCount")) or not _is_count(each.get("maxCount")):
            raise invalid(where, "each has a size, a minCount and a maxCount of 0 or more.")
        if each["minCount"] > each["maxCount"]:
            raise _unordered(where, each)
    sizes = [each["size"] for each in (*manual, *automatic)]
    if len(set(sizes)) < len(sizes):
        raise invalid(where, "every size may stand once.")


def _unordered(where: str, each: Properties) -> ArmError:
    return invalid(where, f"minCount {each['minCount']} of {each['size']} is above its maxCount {each['maxCount']}.")


def _is_size(each: object) -> bool:
    return isinstance(each, dict) and isinstance(each.get("size"), str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
