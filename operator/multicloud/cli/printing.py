"""What commands print: documents for programs, tables for people. They come from the commands and go to standard output."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table


def print_document(document: Mapping[str, Any], form: str) -> None:
    """Print one document as `json` or `yaml`."""
    if form == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    import yaml

    click.echo(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120), nl=False)


def print_table(table: "Table") -> None:
    """Print a table as wide as the terminal. In a file or a pipe nothing is cut off: there is no edge to fit."""
    from rich.console import Console

    Console(highlight=False, width=None if sys.stdout.isatty() else 240).print(table)
