"""A load over time from a CSV file: the header `seconds,<metric>…`, one column a metric. Read by `command`.

A row holds from its moment to that of the next one. What is wrong is told with line and column.
"""

import csv
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from pathlib import Path
from typing import Final, TextIO

import click

_SECONDS: Final = "seconds"
_STDIN: Final = Path("-")
_MOST: Final = Decimal(10) ** 15
"""More than any metric says; beyond it a number is a mistake."""


class BadTrace(click.ClickException):
    """A trace that cannot be played. The text starts with the file, the line and the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Moments in seconds, rising, and by metric what its query returned then, in thousandths. `load` is one of them."""

    load: str
    seconds: Sequence[float]
    milli: Mapping[str, Sequence[int]]

    def at(self, moment: float) -> int:
        """The row that holds at a moment, which is not before the first one."""
        return bisect_right(self.seconds, moment) - 1

    def steps(self, interval_s: float) -> Iterator[float]:
        """Moments from the first row to the last one."""
        first, last = self.seconds[0], self.seconds[-1]
        count = int((last - first) / interval_s + 1e-9)
        return (first + number * interval_s for number in range(count + 1))


def read_trace(path: Path, metrics: Sequence[str]) -> Trace:
    """Read the columns of these metrics, the load's first; without any, the first column is the load. Raises BadTrace."""
    try:
        if path == _STDIN:
            return _read(sys.stdin, "-", metrics)
        with path.open(encoding="utf-8", newline="") as file:
            return _read(file, str(path), metrics)
    except OSError as error:
        raise BadTrace(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadTrace(f"{path}: is not text in UTF-8") from None


def _read(file: TextIO, name: str, metrics: Sequence[str]) -> Trace:
    rows = csv.reader(file)
    numbered = ((rows.line_num, row) for row in rows)
    try:
        return _rows(numbered, name, metrics)
    except csv.Error as error:
        raise BadTrace(f"{name}: line {rows.line_num}: {error}") from None


def _rows(rows: Iterator[tuple[int, list[str]]], name: str, metrics: Sequence[str]) -> Trace:
    _, first = next(rows, (1, []))
    header = [field.strip() for field in first]
    _check_header(header, name, metrics)
    metrics = metrics or header[1:2]
    places = {metric: header.index(metric) for metric in metrics}
    seconds: list[float] = []
    columns: dict[str, list[int]] = {metric: [] for metric in metrics}
    for line, row in rows:
        if not row:
            continue
        where = f"{name}: line {line}"
        if len(row) != len(header):
            column = header[len(row)] if len(row) < len(header) else f"{len(header) + 1}"
            raise BadTrace(f"{where}, column {column}: the row has {len(row)} fields, the header {len(header)}")
        moment = float(_number(row[0], f"{where}, column {_SECONDS}"))
        if seconds and moment <= seconds[-1]:
            raise BadTrace(f"{where}, column {_SECONDS}: {row[0].strip()} is not after the row before it")
        seconds.append(moment)
        for metric, place in places.items():
            value = _number(row[place], f"{where}, column {metric}")
            columns[metric].append(int((value * 1000).to_integral_value(rounding=ROUND_CEILING)))
    if not seconds:
        raise BadTrace(f"{name}: line 2: there is no row under the header")
    return Trace(load=metrics[0], seconds=seconds, milli=columns)


def _check_header(header: Sequence[str], name: str, metrics: Sequence[str]) -> None:
    if not header or header[0] != _SECONDS:
        found = f"is {header[0]!r}" if header and header[0] else "is empty"
        wanted = ",".join([_SECONDS, *(metrics or ["load"])])
        raise BadTrace(f"{name}: line 1, column 1: {found}; the header is {wanted}")
    for metric in metrics:
        if metric not in header[1:]:
            raise BadTrace(f"{name}: line 1, column {metric}: is missing; the policy has a metric of that name")
    if len(header) == 1:
        raise BadTrace(f"{name}: line 1, column 2: is missing; the load stands there")
    doubled = next((field for field in header if header.count(field) > 1), None)
    if doubled is not None:
        raise BadTrace(f"{name}: line 1, column {doubled}: stands twice")


def _number(text: str, where: str) -> Decimal:
    if not text.strip():
        raise BadTrace(f"{where}: is empty; give every metric a number in every row")
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise BadTrace(f"{where}: {text.strip()!r} is no number") from None
    if not value.is_finite() or value < 0 or value > _MOST:
        raise BadTrace(f"{where}: {text.strip()} is not between 0 and {_MOST:.0e}")
    return value
