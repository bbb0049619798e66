"""`multicloud crds`: the custom resource definitions, as YAML on stdout or as files."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--write",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write one file a kind to this directory instead of printing.",
)
def crds(directory: Path | None) -> None:
    """Print the custom resource definitions.

    They are those of this very version: `multicloud crds | kubectl apply --server-side -f -` installs or updates them.
    """
    from multicloud.kinds.crd import files

    if directory is None:
        click.echo("---\n".join(files().values()), nl=False)
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files().items():
            (directory / name).write_text(text, encoding="utf-8")
            click.echo(directory / name, err=True)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; name another directory") from None
