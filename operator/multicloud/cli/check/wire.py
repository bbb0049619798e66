"""Looks on at one account's calls: where answers come from, and how far the clouds' clock is from ours."""

import threading
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from multicloud.model.exchange import Exchange
from multicloud.model.port import Clock


class Wire:
    """A Tap. Lane threads tell it, the loop reads it when they are done."""

    def __init__(self, clock: Clock, *, keep: bool) -> None:
        """Compare with this clock; `keep` whole exchanges, for a recording."""
        self._clock = clock
        self._keep = keep
        self._lock = threading.Lock()
        self._kept: list[Exchange] = []
        self._origins: set[str] = set()
        self._skews_s: list[float] = []

    def __call__(self, exchange: Exchange) -> None:
        """Keep where an answer came from, and compare its Date with our clock."""
        skew_s = self._skew_s(exchange)
        with self._lock:
            self._origins.add(urlsplit(exchange.url)._replace(path="", query="").geturl())
            if self._keep:
                self._kept.append(exchange)
            if skew_s is not None:
                self._skews_s.append(skew_s)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What was kept, in the order of the answers."""
        with self._lock:
            return tuple(self._kept)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Scheme and host of everything that answered, sorted."""
        with self._lock:
            return tuple(sorted(self._origins))

    @property
    def skew_s(self) -> float | None:
        """How far the cloud's clock is ahead of ours, in seconds: the least of what was seen, for answers travel."""
        with self._lock:
            return min(self._skews_s, key=abs, default=None)

    def _skew_s(self, exchange: Exchange) -> float | None:
        stamp = next((value for name, value in exchange.headers.items() if name.lower() == "date"), "")
        try:
            told = parsedate_to_datetime(stamp)
        except ValueError:
            return None
        return (told.replace(tzinfo=told.tzinfo or UTC) - self._clock.now()).total_seconds()
