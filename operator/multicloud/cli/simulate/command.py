"""`multicloud simulate`: plays a load through a ScalingPolicy, without a cluster, in virtual time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from multicloud.cli.options import output_option

if TYPE_CHECKING:
    from multicloud.cli.simulate.files import NamedPolicy
    from multicloud.cli.simulate.summary import Run
    from multicloud.cli.simulate.trace import Trace
    from multicloud.model.spec import PoolSpec

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_PICTURES: Final = {".png", ".svg"}
BOOT_S: Final = 240.0
"""Seconds from order to ready where nobody says otherwise: what managed node pools commonly take."""


class _Paths(click.ParamType[Sequence[Path]]):
    """Files, separated by commas."""

    name = "files"

    def convert(self, value: str | Sequence[Path], _param: object, _context: object) -> Sequence[Path]:
        """Split."""
        return [Path(part) for part in value.split(",") if part] if isinstance(value, str) else value


class _Above(click.ParamType[float]):
    """A finite number above nothing."""

    name = "number"

    def convert(self, value: str | float, param: click.Parameter | None, context: click.Context | None) -> float:
        """Read it."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is no number", param, context)
        if not 0 < number < float("inf"):
            self.fail(f"{value} is not above 0", param, context)
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options say."""

    unit_capacity: float | None
    boot_seconds: float
    interval: float | None
    start_replicas: int | None
    seed: int


@click.command()
@click.option(
    "-f",
    "--filename",
    "files",
    required=True,
    type=_Paths(),
    metavar="POLICY[,POOL]",
    help="The ScalingPolicy, and the MultiCloudPool if it is to be simulated, too.",
)
@click.option("--trace", required=True, type=click.Path(allow_dash=True, path_type=Path), metavar="CSV")
@click.option("--unit-capacity", type=_Above(), metavar="N", help="Load that one unit carries. Default: the target.")
@click.option(
    "--boot-seconds",
    type=click.FloatRange(min=0),
    default=BOOT_S,
    show_default=True,
    metavar="N",
    help="From order to ready.",
)
@click.option("--interval", type=_Above(), metavar="N", help="Seconds between two decisions. Default: the policy's.")
@click.option("--start-replicas", type=click.IntRange(min=0), metavar="N", help="Units at first. Default: the minimum.")
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Of boot times and stockouts of a pool."
)
@click.option(
    "--compare", multiple=True, type=_Paths(), metavar="POLICY...", help="Other policies under the same load."
)
@click.option("--plot", type=_FILE, metavar="FILE", help="A picture: .png or .svg. Needs matplotlib.")
@output_option("table", "json")
@click.argument("more", nargs=-1, type=_Paths(), metavar="")
def simulate(
    *,
    files: Sequence[Path],
    trace: Path,
    compare: Sequence[Sequence[Path]],
    more: Sequence[Sequence[Path]],
    plot: Path | None,
    output: str,
    **options: float | None,
) -> None:
    """Play a load through a ScalingPolicy: how much would have been short, paid and resized.

    The trace has the header `seconds,<metric>`, one column a metric: what its query returned (for `resource`: units in
    use). The first metric's column is the load that units must carry. Seconds count
    from 1970-01-01 UTC, which only schedules notice. Each step, nodes that are due become ready, the load is judged, then
    the policy decides.
    """
    from multicloud.cli.simulate.files import read_policy
    from multicloud.cli.simulate.running import metrics_of
    from multicloud.cli.simulate.shown import print_runs
    from multicloud.cli.simulate.trace import read_trace

    if more and not compare:
        raise click.UsageError(f"{more[0][0]}: other policies are named with --compare")
    if plot is not None and plot.suffix not in _PICTURES:
        raise click.UsageError(f"--plot {plot}: a picture ends in .png or .svg")
    asked = Asked(**options)  # type: ignore[arg-type]  # click made them what the fields say
    policy, pool = read_policy(files)
    policies = [policy, *(read_policy(paths)[0] for paths in (*compare, *more))]
    played = read_trace(trace, metrics_of(policies))
    runs = [_play(one, pool, played, asked) for one in policies]
    if plot is not None:
        _draw(runs, plot)
    print_runs(runs, output)


def _play(policy: "NamedPolicy", pool: "PoolSpec | None", trace: "Trace", asked: Asked) -> "Run":
    from multicloud.cli.simulate.running import MOST_UNITS, Booting, Terms, moment_of, play

    spec = policy.spec
    low, high = (0, MOST_UNITS) if pool is None else (pool.min_replicas, pool.max_replicas)
    start = max(low, spec.min_replicas or 0) if asked.start_replicas is None else asked.start_replicas
    terms = Terms(
        unit_capacity=asked.unit_capacity or _capacity(policy),
        interval_s=asked.interval or float(spec.interval_s),
        start=start,
        low=low,
        high=high,
    )
    if pool is None:
        return play(policy, trace, terms, Booting(start, asked.boot_seconds), _tell)
    from multicloud.cli.simulate.members import Members

    members = Members(pool, start, asked.boot_seconds, asked.seed, moment_of(trace.seconds[0]))
    return play(policy, trace, terms, members, _tell)


def _capacity(policy: "NamedPolicy") -> float:
    """What one unit carries if nobody says: the target per unit; 1 for what is told in units."""
    from multicloud.model.policy import MILLI, TargetType

    for metric in policy.spec.metrics[:1]:
        if metric.target is None or metric.target.type is TargetType.UTILIZATION:
            return 1.0
        if metric.target.type is TargetType.AVERAGE_VALUE:
            return metric.target.milli / MILLI
    raise click.UsageError(
        f"policy {policy.name}: its first metric has no target per unit; say with --unit-capacity what one unit carries"
    )


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _draw(runs: Sequence["Run"], path: Path) -> None:
    try:
        from multicloud.cli.simulate.picture import draw
    except ImportError:
        raise click.ClickException(
            "--plot needs matplotlib: pip install 'multicloud-operator[plot]', or leave --plot out"
        ) from None
    draw(runs, path)
    _tell(f"drawn: {path}")
