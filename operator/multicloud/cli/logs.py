"""Logs of a running operator: one line an event on standard error, JSON for machines, plain for a terminal.

Our own events come through structlog at the level asked for. Libraries' own come at WARNING and above only: at DEBUG
several SDKs print requests with their credentials. Tracebacks never show local variables.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

LEVELS: Final = ("debug", "info", "warning", "error")


class _Line(structlog.PrintLogger):
    """A logger that knows its name, so that each line says which part speaks."""

    def __init__(self, name: str, file: TextIO) -> None:
        super().__init__(file)
        self.name = name


def configure(*, as_json: bool, level: str, stream: TextIO = sys.stderr) -> None:
    """Send every log of this process to `stream`. `level` is one of LEVELS and concerns our own events."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _add_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    render: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=28
        )
    )
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *names: _Line(str(names[0]) if names else "multicloud", stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render]
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # It warns at every start that it gets no signals, which is on purpose: it runs in a thread of its own.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    # It repeats every refused login, which the account's condition and our own line already tell.
    logging.getLogger("azure").setLevel(logging.ERROR)
    # As above, and with the whole of a refused signature, a session's token among it.
    logging.getLogger("botocore").setLevel(logging.ERROR)


def _add_name(logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Name the part that speaks; a library's record carries its own."""
    record = event.get("_record")
    event["logger"] = getattr(logger, "name", None) or getattr(record, "name", "multicloud")
    return event
