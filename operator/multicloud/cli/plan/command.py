"""`multicloud plan`: what the operator would do. Exit code 0: nothing, 2: changes, 1: a mistake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from multicloud.cli.options import cluster_options, output_option

if TYPE_CHECKING:
    from multicloud.cli.plan.scene import Scene

CHANGES: Final = 2
"""Exit code where something would be done."""

_FILE: Final = click.Path(exists=True, allow_dash=True, path_type=Path)
_SUFFIXES: Final = {".yaml", ".yml", ".json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What to plan: the files' pools, one pool, or one of the files'; with which sizes; in which place."""

    files: Sequence[Path]
    pool: str | None
    observed: Path | None
    live: bool
    namespace: str | None
    kubeconfig: Path | None
    context: str | None


class _Mistake(click.UsageError):
    """A command line that cannot be meant. Its exit code says so: click's own, 2, says here that there is a plan."""

    exit_code = 1


class _TellsMistakesApart(click.Command):
    """Turns every usage error into a mistake."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the command line."""
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            raise _Mistake(error.format_message(), error.ctx) from None


@click.command(cls=_TellsMistakesApart)
@click.argument("what", required=False, metavar="[FILE|POOL]")
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="File or directory; - is standard input.",
)
@click.option("--observed", type=_FILE, metavar="FILE", help="Sizes of node pools. Those that it lacks count as empty.")
@click.option("--live", is_flag=True, help="Sizes as the operator reported them last, for pools from files, too.")
@click.option(
    "-n",
    "--namespace",
    metavar="NAMESPACE",
    help="Namespace of the pool, and of objects in files that name none. Default: the context's; offline: default.",
)
@output_option("table", "wide", "json", "yaml")
@cluster_options
def plan(*, what: str | None, output: str, files: tuple[Path, ...], **options: Any) -> None:
    """Show what would be done for the pools of files, or for POOL as it stands in a cluster. Changes nothing.

    Files alone need neither cluster nor credentials: CloudAccounts and MultiCloudPools in any number of documents. A node
    pool whose size nobody tells is assumed to be empty. Exits with 0 if there is nothing to do, with 2 if there is, with
    1 if something given is wrong.
    """
    from multicloud.cli.bound import Bound
    from multicloud.cli.plan.shown import Planned, print_plans
    from multicloud.decide import decide

    is_file = what is not None and _names_a_file(what)
    named = [*([Path(what)] if what is not None and is_file else []), *files]
    asked = _Asked(files=named, pool=None if is_file else what, **options)
    if not named and what is None:
        raise _Mistake("name a file with -f, or a pool of a cluster")
    if asked.observed is not None and (asked.live or not named):
        raise _Mistake("--observed tells sizes for files alone: leave out --live, and name the files")
    scenes = _live(asked) if asked.live or not named else _offline(asked)
    plans = [Planned(scene=scene, plan=decide(scene.snapshot), bound=Bound.by_scene(scene)) for scene in scenes]
    print_plans(plans, output)
    if any(one.plan.changes for one in plans):
        raise SystemExit(CHANGES)


def _names_a_file(what: str) -> bool:
    path = Path(what)
    return what == "-" or "/" in what or path.suffix in _SUFFIXES or path.is_file()


def _offline(asked: _Asked) -> Sequence["Scene"]:
    from multicloud.cli.plan.files import read_files
    from multicloud.cli.plan.observed import read_observed
    from multicloud.cli.plan.scene import offline
    from multicloud.run.clock import SystemClock

    sizes = read_observed(asked.observed) if asked.observed is not None else {}
    files = read_files(asked.files, namespace=asked.namespace or "default")
    scenes = offline(files, sizes, SystemClock().now())
    wanted = [scene for scene in scenes if asked.pool in {None, scene.snapshot.key.name}]
    if not wanted:
        looked_for = "MultiCloudPool" if asked.pool is None else f"MultiCloudPool {asked.pool}"
        raise click.ClickException(f"no {looked_for} in {', '.join(map(str, asked.files))}")
    if len(wanted) > 1:
        _tell(files.currencies)
    return wanted


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _live(asked: _Asked) -> Sequence["Scene"]:
    from multicloud.cli.asking import ask
    from multicloud.cli.place import namespace_of
    from multicloud.cli.plan.files import read_files
    from multicloud.cli.plan.live import Wanted, read_scenes

    place = asked.namespace or namespace_of(asked.kubeconfig, asked.context)
    if asked.files:
        files = read_files(asked.files, namespace=place)
        wanted = [
            Wanted(key=key, filed=filed.found)
            for key, filed in sorted(files.pools.items())
            if asked.pool in {None, key.name}
        ]
        if len(wanted) > 1:
            _tell(files.currencies)
        accounts: Mapping[Any, Any] = {key: filed.found for key, filed in files.accounts.items()}
    else:
        assert asked.pool is not None  # the command refused nothing at all
        wanted, accounts = [Wanted.named(asked.pool, place)], {}
    return ask(asked.kubeconfig, asked.context, lambda kube: read_scenes(kube, wanted, accounts))
