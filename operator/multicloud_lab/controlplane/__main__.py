"""Make the control plane's programs ready: ``python -m multicloud_lab.controlplane build``.

Prints where each program is, on standard output; progress goes to standard error.
"""

import argparse
import json
import sys

from multicloud_lab.controlplane.errors import ControlPlaneError
from multicloud_lab.controlplane.programs import everything


def main() -> int:
    """Build what is missing and print the paths; 1 when that fails, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m multicloud_lab.controlplane", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("build", help="find or build kube-apiserver, etcd, kubectl and helm")
    verb.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    verb.add_argument("--without-helm", action="store_true", help="leave out Helm, which the server does not need")
    asked = parser.parse_args()
    try:
        paths = everything(with_helm=not asked.without_helm)
    except ControlPlaneError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was built is kept, run it again to go on\n")
        return 130
    if asked.output == "json":
        sys.stdout.write(json.dumps({name: str(path) for name, path in paths.items()}) + "\n")
    else:
        for name, path in paths.items():
            sys.stdout.write(f"{name:15} {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
