"""Tables of pools and members, drawn with rich. The only module besides the demo's screen that imports it."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from multicloud.cli.shown import MemberRow, PoolRow, number

_CONDITION_STYLE = {"True": "green", "False": "red"}
_STATE_STYLE = {"Refused": "red", "Frozen": "cyan"}


def pools_table(pools: Sequence[PoolRow], *, wide: bool, namespaces: bool) -> Table:
    """One row a pool and, under it, one a member."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    if namespaces:
        table.add_column("Namespace", no_wrap=True)
    table.add_column("Pool / member", no_wrap=True)
    table.add_column("Where", no_wrap=True)
    for title in ("Desired", "Ready", "Nodes", "Target"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("State", no_wrap=True)
    table.add_column("Reason", no_wrap=True)
    if wide:
        table.add_column("Bounds", no_wrap=True)
        table.add_column("Message", overflow="fold", min_width=24)
    for pool in pools:
        _add_pool(table, pool, wide=wide, namespaces=namespaces)
    return table


def _add_pool(table: Table, pool: PoolRow, *, wide: bool, namespaces: bool) -> None:
    before = [pool.namespace] if namespaces else []
    bounds = f"{number(pool.minimum)}–{number(pool.maximum)} units"
    state = Text(f"Ready={pool.ready_condition}", _CONDITION_STYLE.get(pool.ready_condition, "yellow"))
    if pool.paused == "True":
        state.append(" Paused", "cyan")
    table.add_row(
        *before,
        Text(pool.name, "bold"),
        "",
        number(pool.desired),
        number(pool.ready),
        "",
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
            "",
            number(member.ready),
            number(member.nodes),
            number(member.target),
            Text(member.state, _STATE_STYLE.get(member.state, "")),
            member.reason,
            *(["", member.message] if wide else []),
        )


def where(member: MemberRow) -> str:
    """Cloud, cluster and node pool in one word."""
    return f"{member.cloud} {member.cluster}/{member.node_pool}"


def _bounds(bounds: str, limited_by: str) -> str:
    return f"{bounds}, {limited_by}" if limited_by else bounds
