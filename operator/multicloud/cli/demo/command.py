"""`multicloud demo`: options in, the story, one document or a table out."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from multicloud.cli.demo.acts.registry import ACTS
from multicloud.cli.options import output_option

if TYPE_CHECKING:
    from multicloud.cli.demo.play import Outcome, Wanted

FACTOR: Final = 60
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C before the story was over, as shells have it."""


@click.command(short_help="The whole thing on this machine: three emulated clouds, no account.")
@click.option("--once", is_flag=True, help="Play the story and end; otherwise everything stays up until Ctrl-C.")
@click.option(
    "--act",
    type=click.Choice(list(ACTS)),
    default=next(iter(ACTS)),
    show_default=True,
    help="Which story to play. " + " ".join(f"{act.name}: {act.told}." for act in ACTS.values()),
)
@output_option(
    "table", "json", told="json: exactly one document on standard output, everything else on standard error."
)
@click.option(
    "--clock-factor",
    "factor",
    type=click.FloatRange(1, 600),
    default=FACTOR,
    show_default=True,
    metavar="N",
    help="How many times faster the clouds' clock runs.",
)
@click.option(
    "--samples",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Manifests to apply. Default: deploy/samples of the source tree.",
)
def demo(*, once: bool, act: str, output: str, factor: float, samples: Path | None) -> None:
    """Start a Kubernetes API, three emulated clouds and the operator, and play a story on them.

    Nodes run in three clouds; a pool is applied that takes them over, and what happens next is the story. The first
    start builds the Kubernetes API server, which takes minutes; later ones take seconds. Everything ends with the demo.
    """
    from multicloud.cli.demo.ground import SAMPLES
    from multicloud.cli.demo.play import Outcome, Wanted

    wanted = Wanted(act=ACTS[act], once=once, factor=factor, samples=samples or SAMPLES)
    outcome = Outcome()
    problem = asyncio.run(_until_told(wanted, outcome, as_json=output == "json"))
    if output == "json":
        click.echo(json.dumps(document(outcome), indent=2))
    if problem is not None:
        raise click.ClickException(problem)
    if not outcome.converged:
        sys.exit(INTERRUPTED)


async def _until_told(wanted: "Wanted", outcome: "Outcome", *, as_json: bool) -> str | None:
    """Play until the end, Ctrl-C or SIGTERM; returns what went wrong."""
    from multicloud.cli.demo.failure import DemoError

    loop = asyncio.get_running_loop()
    playing = asyncio.create_task(_play(wanted, outcome, as_json=as_json), name="play")
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, playing.cancel)
    try:
        await playing
    except asyncio.CancelledError:
        return None
    except DemoError as error:
        return str(error)
    return None


async def _play(wanted: "Wanted", outcome: "Outcome", *, as_json: bool) -> None:
    from multicloud.cli.demo.play import House, play
    from multicloud.cli.demo.programs import find_control_plane, stay_on_loopback
    from multicloud.cli.demo.screen import Screen
    from multicloud.run.clock import SystemClock

    stay_on_loopback()
    programs = await find_control_plane()
    with Screen(on_stderr=as_json) as screen:
        try:
            await play(wanted, House(screen=screen, clock=SystemClock(), kubectl=Path(programs["kubectl"])), outcome)
        finally:
            if outcome.pool is not None and not as_json:
                screen.leave(outcome.pool)


def document(outcome: "Outcome") -> dict[str, Any]:
    """What `-o json` prints: the pools at the end, the operator's cloud writes in order, the steps."""
    pools = [] if outcome.pool is None else [outcome.pool]
    return {
        "pools": [
            {
                "namespace": pool.namespace,
                "name": pool.name,
                "desired": pool.desired,
                "ready": pool.ready,
                "members": [
                    {
                        "name": member.name,
                        "cloud": member.cloud,
                        "cluster": member.cluster,
                        "nodePool": member.node_pool,
                        "nodes": member.nodes,
                        "readyNodes": member.ready,
                        "targetNodes": member.target,
                        "state": member.state,
                    }
                    for member in pool.members
                ],
            }
            for pool in pools
        ],
        "cloudWrites": [
            {
                "cloud": write.cloud,
                "cluster": write.cluster,
                "nodePool": write.node_pool,
                "operation": write.operation,
                "to": write.to,
            }
            for write in outcome.writes
        ],
        "story": [
            {
                "step": told.step,
                "converged": told.converged,
                "seconds": told.seconds,
                "fewestReady": told.fewest_ready,
                "ready": told.ready,
                "hourlyCostNow": told.hourly_cost_now,
                "hourlyCost": told.hourly_cost,
                "load": told.load,
                "loadToldBy": told.load_told_by,
            }
            for told in outcome.story
        ],
    }
