"""Writes or checks the generated pages: settings, reasons, metrics, permissions, commands."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from multicloud.cli.reference.commands import commands_page
from multicloud.cli.reference.metrics import metrics_page
from multicloud.cli.reference.permissions import permissions_page
from multicloud.cli.reference.reasons import reasons_page
from multicloud.cli.reference.settings import settings_page


def pages() -> dict[str, str]:
    """The text of every generated page, by file name."""
    return {
        "commands.md": commands_page(),
        "metrics.md": metrics_page(),
        "permissions.md": permissions_page(),
        "reasons.md": reasons_page(),
        "settings.md": settings_page(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or name those that differ: exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m multicloud.cli.reference", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="DIR", help="directory to write the pages to")
    what.add_argument("--check", type=Path, metavar="DIR", help="directory that must hold them as they are")
    options = parser.parse_args(arguments)
    wanted = {(options.write or options.check) / name: text for name, text in pages().items()}
    if options.write:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    wrong = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in wrong:
        sys.stderr.write(f"{path} is not as generated: run this program with --write instead of --check\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
