"""`multicloud check` in this process: three emulated clouds, and in place of the API server a script of its answers."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from multicloud.cli.root import root
from multicloud.model.ref import GROUP, VERSION, Cloud, Kind
from multicloud_lab.thread import LabThread
from support.operator_process import settings_for
from support.vendor import Answer, Vendor
from support.world import NAMESPACE, account_bodies, pool_body, secrets_for

API = f"/apis/{GROUP}/{VERSION}"


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a check runs: a kubeconfig of the scripted API server, a settings file that points at the lab."""

    lab: LabThread
    api: Vendor
    kubeconfig: Path
    settings: Path

    def given(self, accounts: Sequence[Mapping[str, Any]], pools: Sequence[Mapping[str, Any]]) -> None:
        """The API server holds these objects, and the lab's right Secrets."""
        names = [f"{kind.plural}{part}" for kind in Kind for part in ("", "/status")]
        self.api.answer("GET", API, Answer(body={"resources": [{"name": name} for name in names]}))
        for kind, items in ((Kind.ACCOUNT, accounts), (Kind.POOL, pools)):
            self.api.answer("GET", f"/{kind.plural}?", Answer(body={"items": list(items), "metadata": {}}))
        for (_, name), content in secrets_for(self.lab.document["credentials"]).items():
            self.secret(name, content)

    def given_cloud(self, *clouds: Cloud) -> None:
        """An account of each of these clouds and one pool over them."""
        accounts = [
            body for body in account_bodies(self.lab.document["credentials"]) if body["metadata"]["name"] in clouds
        ]
        wanted = [member for member in pool_body()["spec"]["members"] if member["name"] in clouds]
        self.given(accounts, [pool_body(members=wanted)])

    def secret(self, name: str, content: Mapping[str, bytes]) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in content.items()}
        self.api.answer("GET", f"/secrets/{name}", Answer(body={"data": encoded}))

    def check(self, *arguments: str) -> Result:
        """Run the command in the accounts' namespace."""
        files = [f"--kubeconfig={self.kubeconfig}", f"--settings={self.settings}"]
        return CliRunner().invoke(
            root, ["check", *files, f"--namespace={NAMESPACE}", *arguments], catch_exceptions=False
        )

    def found(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and JSON of a check."""
        said = self.check("--output=json", *arguments)
        return said.exit_code, json.loads(said.stdout)


@contextmanager
def bench(lab: LabThread, directory: Path) -> Iterator[Bench]:
    """A bench on a lab."""
    kubeconfig, settings = directory / "kubeconfig", directory / "settings.yaml"
    settings.write_text(
        yaml.safe_dump({"clouds": settings_for(lab.document, kubeconfig=kubeconfig, namespace="x")["clouds"]})
    )
    with Vendor(None) as api:
        named = {"name": "script"}
        whole = {
            "clusters": [{**named, "cluster": {"server": api.url}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "script", "user": "script"}}],
            "current-context": "script",
        }
        kubeconfig.write_text(json.dumps(whole))
        yield Bench(lab, api, kubeconfig, settings)
