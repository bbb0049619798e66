"""`multicloud run`: settings, logs, then the process until it ends. A pod runs exactly this."""

import asyncio
import errno
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from multicloud.cli.options import cluster_options

if TYPE_CHECKING:
    from multicloud.settings import Settings

ORPHAN_S: Final = 10.0
"""How long an orderly end may take after standard input closed; whoever held it is gone and waits for nobody."""


@click.command()
@click.option(
    "--settings",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="YAML file of settings; see docs/reference/settings.md.",
)
@cluster_options
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace of the operator itself: Lease and stop switch.")
@click.option(
    "--watch-namespace",
    "watched",
    multiple=True,
    metavar="NAMESPACE",
    help="Serve this namespace only; may be repeated.",
)
@click.option("-A", "--all-namespaces", is_flag=True, help="Serve every namespace, whatever file and environment say.")
@click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "console"]),
    default="auto",
    show_default=True,
    help="auto: lines for people on a terminal, JSON elsewhere.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Least level of the operator's own events; libraries speak from warning up.",
)
@click.option("--die-with-stdin", is_flag=True, help="End when standard input closes, as with SIGTERM.")
def run(  # noqa: PLR0913 - one parameter an option
    *,
    file: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    watched: tuple[str, ...],
    all_namespaces: bool,
    log_format: str,
    log_level: str,
    die_with_stdin: bool,
) -> None:
    """Run the operator until SIGTERM or Ctrl-C.

    Settings come from flags, then environment (MULTICLOUD_…, nested with __), then the file, then defaults.
    """
    from multicloud.cli.logs import configure
    from multicloud.settings import SettingsError, load

    if watched and all_namespaces:
        raise click.UsageError("--watch-namespace and --all-namespaces contradict each other: give one of them")
    flags = {
        "kubeconfig": kubeconfig,
        "context": context,
        "namespace": namespace,
        "watch_namespaces": () if all_namespaces else watched or None,
    }
    try:
        settings = load(file, flags)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    configure(as_json=log_format == "json" or (log_format == "auto" and not sys.stderr.isatty()), level=log_level)
    if die_with_stdin:
        threading.Thread(target=_end_with_stdin, name="stdin", daemon=True).start()
    asyncio.run(_serve(settings))


async def _serve(settings: "Settings") -> NoReturn:
    """Serve, then end the process here and now, whatever happened.

    An orderly end of the loop would wait for threads that may never come back: a cloud call or a look-up of a name that
    hangs must not keep a dead process on the lease's heels.
    """
    from multicloud.cli.asking import words
    from multicloud.kube.client import KubeError
    from multicloud.run.process import run as run_process

    code = 1
    try:
        code = await run_process(settings)
    except KubeError as error:
        click.echo(f"Error: {words(error)}", err=True)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        place = f"{settings.http.host}:{settings.http.port}"
        click.echo(f"Error: {place} is taken; choose another with the settings http.host and http.port", err=True)
    finally:
        _tell_crash()
        _exit(code)


def _tell_crash() -> None:
    """Log the exception that ends the process, if there is one."""
    if sys.exc_info()[1] is not None:
        import structlog

        structlog.get_logger("run").critical("crashed", exc_info=True)


def _exit(code: int) -> NoReturn:
    """End at once, with everything written."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(ORPHAN_S)
    _exit(1)
