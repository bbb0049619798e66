"""One question to the API server and its failures as lines for people. Used by the commands that ask and end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from multicloud.kube.client import KubeClient, KubeError

AnswerT = TypeVar("AnswerT")


def ask(
    kubeconfig: Path | None, context: str | None, question: Callable[["KubeClient"], Awaitable[AnswerT]]
) -> AnswerT:
    """Connect, ask, close. Raises click.ClickException with one line for people when the API server refuses."""
    from multicloud.kube.client import KubeClient, KubeError

    async def connected() -> AnswerT:
        async with await KubeClient.connect(kubeconfig, context) as kube:
            return await question(kube)

    try:
        return asyncio.run(connected())
    except KubeError as error:
        raise click.ClickException(words(error)) from None


def words(error: "KubeError") -> str:
    """What happened and what to try, in one line."""
    said = " ".join(error.words.split())
    if error.status == 0:
        return f"{said}. Is the cluster up? Choose another with --kubeconfig and --context."
    if error.denied:
        return f"the API server refused: {said}. Ask for the right, or choose another --context."
    return f"the API server answered {error.status}: {said}"
