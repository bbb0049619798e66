"""Changes one annotation of a pool or an account in its user's name, and says what comes of it.

`adopt`, `approve`, `accept-drift`, `correct-drift`, `pause`, `resume` and `override` use it. Each asks the API server with
the caller's own kubeconfig and rights; the operator sees the annotation as it would see one written by kubectl.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options, output_option
from multicloud.cli.printing import print_document
from multicloud.cli.shown import condition, number, pool_row

if TYPE_CHECKING:
    from multicloud.kube.client import KubeClient
    from multicloud.model.ref import ObjectKey

Body: TypeAlias = Mapping[str, Any]

_TRIES = 5
"""The operator writes the status of the same object: a version that was just read may be old already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Annotations to set (None: to take away; no entry: nothing to do), and lines that tell what will happen."""

    annotations: Mapping[str, str | None]
    told: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the object is, who asks, and in which form the answer goes out."""

    namespace: str | None
    output: str
    kubeconfig: Path | None
    context: str | None

    def change_pool(self, name: str, decide: Callable[[Body], Change]) -> None:
        """Change a MultiCloudPool as `decide` says of it as read. Raises click.ClickException."""
        from multicloud.model.ref import Kind

        self._change(Kind.POOL, name, decide)

    def change_account(self, name: str, decide: Callable[[Body], Change]) -> None:
        """Change a CloudAccount as `decide` says of it as read. Raises click.ClickException."""
        from multicloud.model.ref import Kind

        self._change(Kind.ACCOUNT, name, decide)

    def _change(self, kind: Any, name: str, decide: Callable[[Body], Change]) -> None:
        from multicloud.cli.place import namespace_of
        from multicloud.model.ref import ObjectKey

        place = self.namespace or namespace_of(self.kubeconfig, self.context)
        key = ObjectKey(kind=kind, namespace=place, name=name)
        body, told = ask(self.kubeconfig, self.context, lambda kube: _changed(kube, key, decide))
        self._say(body, [f"{name}: {line}" for line in told])

    def _say(self, body: Body, told: Sequence[str]) -> None:
        lines = [*told, f"{body['metadata']['name']}: status says now: {_status_of(body)}"]
        for line in lines:
            click.echo(line, err=self.output != "text")
        if self.output != "text":
            print_document(body, self.output)


def desk_options(command: Callable[..., None]) -> Callable[..., None]:
    """`-n`, `-o`, `--kubeconfig` and `--context`, handed to the command as its `desk`."""

    @click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace of the object. Default: the context's.")
    @output_option(
        "text",
        "json",
        "yaml",
        told="json and yaml print the object as it is afterwards, and the words on standard error.",
    )
    @cluster_options
    @functools.wraps(command)
    def gathered(
        *, namespace: str | None, output: str, kubeconfig: Path | None, context: str | None, **rest: Any
    ) -> None:
        desk = Desk(namespace=namespace, output=output, kubeconfig=kubeconfig, context=context)
        command(desk=desk, **rest)

    return gathered


def annotations_of(body: Body) -> Mapping[str, object]:
    """What is annotated now."""
    found = body["metadata"].get("annotations")
    return found if isinstance(found, Mapping) else {}


async def _changed(
    kube: "KubeClient", key: "ObjectKey", decide: Callable[[Body], Change]
) -> tuple[Body, Sequence[str]]:
    """Read, decide, write what was decided on exactly what was read."""
    from multicloud.kube.client import KubeError
    from multicloud.kube.objects import KubeObjects

    objects = KubeObjects(kube, namespaces=(key.namespace,))
    for left in reversed(range(_TRIES)):
        body = await objects.read_object(key)
        if body is None:
            raise click.ClickException(
                f"{key.kind} {key.name} does not exist in namespace {key.namespace}; "
                f"`kubectl get {key.kind.plural} --all-namespaces` lists those that do"
            )
        change = decide(body)
        if not change.annotations:
            return body, change.told
        try:
            version = str(body["metadata"]["resourceVersion"])
            return await objects.annotate(key, change.annotations, resource_version=version), change.told
        except KubeError as error:
            if not error.conflict or not left:
                raise
    raise AssertionError("the last try returns or raises")


def _status_of(body: Body) -> str:
    """One line of what the operator reported last; it has not seen the change yet."""
    if body["kind"] == "CloudAccount":
        ready, paused = condition(body, "Ready"), condition(body, "Paused")
        return f"Ready {ready.get('status', 'Unknown')}, Paused {paused.get('status', 'Unknown')}"
    row = pool_row(body)
    by = (body.get("status") or {}).get("desiredBy") or {}
    limited = f", limited by {row.limited_by}" if row.limited_by else ""
    return (
        f"{number(row.desired)} units desired ({by.get('reason', 'nobody decided yet')}{limited}), "
        f"{number(row.ready)} ready, Ready {row.ready_condition}, Paused {row.paused}"
    )
