"""The demo played once: its one document, and how long it took."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from multicloud.run.clock import SystemClock
from support.commandline import multicloud_says


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What `multicloud demo --once -o json` said, and the seconds to its end."""

    document: Mapping[str, Any]
    took_s: float

    @property
    def story(self) -> list[dict[str, Any]]:
        """What every step of the act came to, in order."""
        return list(self.document["story"])

    @property
    def pool(self) -> Mapping[str, Any]:
        """The one pool, at the end."""
        (pool,) = self.document["pools"]
        return dict(pool)

    def all_came_true(self, *steps: str) -> bool:
        """True when these were the steps, and each came true."""
        return [(told["step"], told["converged"]) for told in self.story] == [(step, True) for step in steps]

    def sizes(self, found: Mapping[str, int]) -> list[dict[str, int]]:
        """Nodes by cloud: those found, then those after each write."""
        writes = [(write["cloud"], write["to"]) for write in self.document["cloudWrites"]]
        return list(accumulate(writes, lambda at, write: {**at, write[0]: write[1]}, initial=dict(found)))


def played_once(*options: str, **environment: str) -> Played:
    """Play it to its end; it has to end well."""
    clock = SystemClock()
    began_s = clock.monotonic()
    said = multicloud_says("demo", *options, "--once", "-o", "json", timeout_s=300, **environment)
    assert said.returncode == 0, said.stderr
    return Played(document=json.loads(said.stdout), took_s=clock.monotonic() - began_s)
