"""Tables of pools and members, drawn with rich. `status` and the demo's screen print them."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from multicloud.cli.shown import PoolRow, number, where

_READY_WORDS: Final = {"True": "Ready", "False": "NotReady", "Unknown": "Unknown"}
_READY_STYLES: Final = {"True": "green", "False": "red", "Unknown": "yellow"}
_STATE_STYLES: Final = {"Refused": "red", "Frozen": "cyan"}


def pools_table(pools: Sequence[PoolRow], *, wide: bool, namespaces: bool) -> Table:
    """One row a pool, in units, and under it one a member, in nodes. Fits 80 columns unless wide."""
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


def _bounds(bounds: str, limited_by: str) -> str:
    return f"{bounds}, {limited_by}" if limited_by else bounds
