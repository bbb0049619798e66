"""`multicloud lab`: becomes the lab's own program. The operator and the lab share no code, only this command line."""

import os
import sys

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="A Kubernetes API and three emulated clouds.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def lab(arguments: tuple[str, ...]) -> None:
    """Run a Kubernetes API and three emulated clouds until it is stopped; `multicloud lab --help` lists its options."""
    sys.stdout.flush()
    # -P: a directory of the same name where the person happens to be must not be taken for the lab.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "multicloud_lab", *arguments])  # noqa: S606 - no shell wanted
