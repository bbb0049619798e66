"""A client under test: a program that the stage starts, one JSON object a line on its stdin and stdout.

What it is sent, and answers with one line each:

- `{"do": "start", "document", "store", "timeoutSeconds"}` → `{}`: the lab's document, a directory that outlives
  the program, and how long (real seconds) it may wait for an answer of a cloud.
- `{"do": "wish", "cloud", "cluster", "nodePool", "to", "min", "max", "owner"}` → `{}`.
- `{"do": "tick", "now"}` → `{"pools": [{"cloud", "cluster", "nodePool", "nodes", "settled"}]}`: act once. `now` is
  the virtual time in epoch seconds; `nodes` null is "not known".
"""

import json
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]

ANSWER_TIMEOUT_S = 60.0
"""How long a client may take for one answer, real seconds."""


class ClientError(Exception):
    """The client died, was too slow, or answered with what is no JSON object."""


class Program:
    """A running client program."""

    def __init__(self, command: Sequence[str], env: dict[str, str] | None = None) -> None:
        """Start it; its stderr is the caller's. Raises OSError when it cannot be started."""
        self._name = command[-1]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env
        )

    def __enter__(self) -> Self:
        """Be used in a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.kill()

    def ask(self, **request: object) -> Json:
        """Send a request and return its answer. Raises ClientError."""
        self.send(**request)
        return self.answer()

    def send(self, **request: object) -> None:
        """Send a request without waiting for its answer; one that has ended is told of by `answer`."""
        assert self._process.stdin is not None
        # A program may say something and end before it reads: what it said tells more than the broken pipe.
        with suppress(OSError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def answer(self) -> Json:
        """Wait for the answer of what was sent. Raises ClientError."""
        assert self._process.stdout is not None
        watch = threading.Timer(ANSWER_TIMEOUT_S, self._process.kill)
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            raise ClientError(self._ended())
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            message = f"the client must answer with one JSON object a line, but said {line[:200]!r}"
            raise ClientError(message)
        return answer

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                continue  # what was not yet written is lost with it

    def _ended(self) -> str:
        self._process.kill()
        code = self._process.wait()
        return f"the client ({self._name}) gave no answer within {ANSWER_TIMEOUT_S:.0f} s or ended (exit code {code})"
