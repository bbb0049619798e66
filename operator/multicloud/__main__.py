"""`multicloud`, also as `kubectl multicloud`: the command line starts here and goes on in `cli`."""

import sys
from pathlib import Path

from multicloud.cli.root import root


def main() -> None:
    """Run the command of `sys.argv` and exit with its code."""
    called = Path(sys.argv[0]).name
    root.main(prog_name="kubectl multicloud" if called.startswith("kubectl-") else "multicloud")


if __name__ == "__main__":
    main()
