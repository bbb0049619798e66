"""What a person sees of the demo: lines as it goes, and on a terminal a live table under them.

With `-o json` everything is on standard error, so that standard output holds the document and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from multicloud.cli.shown import PoolRow
from multicloud.cli.tables import pools_table

SHOWN_EVENTS: Final = 6
PLAIN_WIDTH: Final = 160
"""In a file or a pipe there is no edge to fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """One Kubernetes event: `age_s` seconds old, about `about`."""

    age_s: float
    warning: bool
    reason: str
    about: str
    note: str


class Screen:
    """Use it with `with`: the live table goes away with it."""

    def __init__(self, *, on_stderr: bool) -> None:
        """Draw on standard error or on standard output."""
        self._console = Console(stderr=on_stderr, highlight=False, soft_wrap=True)
        if not self._console.is_terminal:
            self._console.width = PLAIN_WIDTH
        self._live: Live | None = None
        self._doing = ""
        self._turning = Spinner("dots")
        self._pool: PoolRow | None = None
        self._events: Sequence[EventLine] = ()

    def __enter__(self) -> Self:
        """Start drawing, where there is a terminal to draw on."""
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True, get_renderable=self._drawn)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the live table away; lines stay."""
        self._end_live()

    def say(self, line: str, style: str = "") -> None:
        """Print a line that stays."""
        self._console.print(Text(line, style))

    def doing(self, what: str) -> None:
        """Say what is waited for; on a terminal under a spinner, elsewhere as a line."""
        self._doing = what
        if self._live is None and what:
            self.say(f"… {what}")

    def show(self, pool: PoolRow, events: Sequence[EventLine]) -> None:
        """Draw the newest state."""
        self._pool, self._events = pool, events

    def leave(self, pool: PoolRow) -> None:
        """Print the table once more, to stay."""
        self._end_live()
        self._console.print(pools_table([pool], wide=False, namespaces=False), soft_wrap=False)

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drawn(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self._pool is not None:
            parts += ["", pools_table([self._pool], wide=False, namespaces=False)]
        if self._events:
            parts += ["", _events_table(self._events[-SHOWN_EVENTS:])]
        if self._doing:
            parts += ["", self._spinner(self._doing)]
        return Group(*parts)

    def _spinner(self, text: str) -> Spinner:
        self._turning.update(text=Text(text))
        return self._turning


def _events_table(events: Sequence[EventLine]) -> Table:
    table = Table.grid(padding=(0, 2))
    for event in events:
        table.add_row(
            Text(f"{event.age_s:4.0f} s ago", "dim"),
            Text(event.reason, "yellow" if event.warning else "green"),
            Text(event.about, "dim"),
            Text(event.note, overflow="ellipsis", no_wrap=True),
        )
    return table
