"""Which namespace a person means who names none: that of the kubeconfig's context, as with kubectl."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_IN_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_USUAL = Path("~/.kube/config")


def namespace_of(kubeconfig: Path | None, context: str | None) -> str:
    """The context's namespace; the pod's own where there is no kubeconfig; else `default`. Never raises."""
    files = _files(kubeconfig)
    configs = [_read(file) for file in files]
    wanted = context or next((name for each in configs if (name := each.get("current-context"))), None)
    for config in configs:
        for entry in config.get("contexts") or ():
            if isinstance(entry, Mapping) and entry.get("name") == wanted:
                found = (entry.get("context") or {}).get("namespace")
                return str(found or "default")
    if context is None and not any(configs) and _IN_POD.is_file():
        return _IN_POD.read_text(encoding="utf-8").strip()
    return "default"


def _files(kubeconfig: Path | None) -> list[Path]:
    if kubeconfig is not None:
        return [kubeconfig]
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [_USUAL.expanduser()]


def _read(file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}  # the connection says what is wrong with it
    return content if isinstance(content, Mapping) else {}
