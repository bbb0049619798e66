"""Tables of pools and members, drawn with rich. `status` and the demo's screen print them."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from multicloud.cli.shown import PolicyRow, PoolRow, number, where

_READY_WORDS: Final = {"True": "Ready", "False": "NotReady", "Unknown": "Unknown"}
_READY_STYLES: Final = {"True": "green", "False": "red", "Unknown": "yellow"}
_STATE_STYLES: Final = {"Refused": "red", "Frozen": "cyan"}
_BARS: Final = "▁▂▃▄▅▆▇█"
_MOST_BARS: Final = 16
"""How many wishes a sparkline shows, the newest: a table has 80 columns."""


def pools_table(pools: Sequence[PoolRow], *, wide: bool, namespaces: bool) -> Table:
    """One row a pool, in units; under it one a policy, in units, and one a member, in nodes. Fits 80 columns unless wide."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    if namespaces:
        table.add_column("NAMESPACE", no_wrap=True)
    table.add_column("POOL", no_wrap=True)
    table.add_column("WHERE", no_wrap=True)
    for title in ("TARGET", "READY", "NODES"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("STATE", no_wrap=True)
    table.add_column("REASON", no_wrap=True)
    if wide:
        table.add_column("BOUNDS", no_wrap=True)
        table.add_column("MESSAGE", overflow="fold", min_width=24)
    for pool in pools:
        _add_pool(table, pool, wide=wide, namespaces=namespaces)
    return table


def _add_pool(table: Table, pool: PoolRow, *, wide: bool, namespaces: bool) -> None:
    before = [pool.namespace] if namespaces else []
    bounds = f"{number(pool.minimum)}–{number(pool.maximum)} units"
    state = Text(_READY_WORDS[pool.ready_condition], _READY_STYLES[pool.ready_condition])
    if pool.paused == "True":
        state.append(" paused", "cyan")
    table.add_row(
        *before,
        Text(pool.name, "bold"),
        "",
        Text(number(pool.desired), "bold"),
        Text(number(pool.ready), "bold"),
        "",
        state,
        pool.reason,
        *([_bounds(bounds, pool.limited_by), pool.message] if wide else []),
    )
    for policy in pool.policies:
        table.add_row(
            *([""] if namespaces else []),
            f"  {policy.name}",
            _wishes(policy),
            number(policy.desired),
            "",
            "",
            Text("Decides") if policy.works else Text("Idle", "yellow"),
            policy.reason,
            *(["", policy.message] if wide else []),
        )
    for member in pool.members:
        table.add_row(
            *([""] if namespaces else []),
            f"  {member.name}",
            where(member),
            number(member.target),
            number(member.ready),
            number(member.nodes),
            Text(member.state, _STATE_STYLES.get(member.state, "")),
            member.reason,
            *(["", member.message] if wide else []),
        )


def sparkline(sizes: Sequence[int]) -> str:
    """One bar a size, from the lowest of them to the highest; equal ones are of middle height."""
    shown = sizes[-_MOST_BARS:]
    low, high = min(shown, default=0), max(shown, default=0)
    if low == high:
        return _BARS[3] * len(shown)
    return "".join(_BARS[(size - low) * (len(_BARS) - 1) // (high - low)] for size in shown)


def _wishes(policy: PolicyRow) -> str:
    by = f"by {policy.decided_by}" if policy.decided_by else ""
    return " ".join(part for part in ("policy", sparkline(policy.recent), by) if part)


def _bounds(bounds: str, limited_by: str) -> str:
    return f"{bounds}, {limited_by}" if limited_by else bounds
