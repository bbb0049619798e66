"""The way of every signed call, on all three ports: gate, limits, permissions, commit, journal, gate again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from multicloud_lab.core.faults import FaultedError
from multicloud_lab.core.gate import Call, CallDroppedError
from multicloud_lab.core.journal import DROPPED
from multicloud_lab.core.listen import hang_up
from multicloud_lab.eks.access import admit, resource_of, throttled
from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.engine import MUTATIONS, EksEngine
from multicloud_lab.eks.faulted import Raw, in_aws_words
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller, Outcome

Arguments = Mapping[str, Any]
Result = tuple[dict[str, Any] | None, Outcome | None]


class Form(Protocol):
    """How a port writes its answers."""

    service: str
    content_type: str

    def accept(self, operation: str, body: dict[str, Any] | None) -> web.Response:
        """Write a result."""
        ...

    def refuse(self, error: AwsError) -> web.Response:
        """Write a refusal."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call whose caller and arguments are known, and what does it."""

    caller: Caller
    call: Call
    arguments: Arguments
    commit: Callable[[], Result]


def make_call(operation: str, caller: Caller, arguments: Arguments) -> Call:
    """Return the call as gate and journal see it; a change says where it was made, so that it can be made again."""
    token = arguments.get("clientRequestToken")
    where = {"account": caller.account, "region": caller.region} if operation in MUTATIONS else {}
    return Call(
        cloud=CLOUD,
        operation=operation,
        principal=caller.name,
        cluster=arguments.get("clusterName", arguments.get("name")),
        pool=arguments.get("nodegroupName"),
        token=token if isinstance(token, str) else None,
        arguments={**arguments, **where},
    )


async def serve(engine: EksEngine, request: web.Request, form: Form, asked: Asked) -> web.Response:
    """Answer a call, or close its connection where the gate says so."""
    lab, call = engine.lab, asked.call
    try:
        await lab.gate.before(call)
    except CallDroppedError:
        lab.record(call, result=DROPPED)
        return hang_up(request)
    except FaultedError as fault:
        worded = _in_words(engine, form, asked, fault)
        lab.record(call, result=fault.result if isinstance(worded, Raw) else worded.code)
        return _write(form, worded)
    answer = _commit(engine, form, asked)
    try:
        await lab.gate.after(call)
    except CallDroppedError:
        return hang_up(request)
    except FaultedError as fault:
        return _write(form, _in_words(engine, form, asked, fault))
    return answer


def _commit(engine: EksEngine, form: Form, asked: Asked) -> web.Response:
    lab, call = engine.lab, asked.call
    try:
        admit(engine, asked.caller, form.service, call.operation, asked.arguments)
        if call.operation in MUTATIONS:
            body, outcome = asked.commit()
        else:
            key = (form.service, asked.caller.account, asked.caller.region, call.operation, repr(asked.arguments))
            body, outcome = lab.faults.stale(call, key, asked.commit)
    except AwsError as error:
        lab.record(call, result=error.code)
        return form.refuse(error)
    if outcome is None:
        lab.record(call)
    else:
        lab.record(call, effective=outcome.effective, from_=outcome.from_, to=outcome.to)
    return form.accept(call.operation, body)


def _in_words(engine: EksEngine, form: Form, asked: Asked, fault: FaultedError) -> AwsError | Raw:
    operation = asked.call.operation
    resource = resource_of(engine, asked.caller, form.service, operation, asked.arguments)
    refused = throttled(form.service, engine.store.switches)
    return in_aws_words(fault, refused, asked.caller, f"{form.service}:{operation}", resource, form.content_type)


def _write(form: Form, worded: AwsError | Raw) -> web.Response:
    if isinstance(worded, AwsError):
        return form.refuse(worded)
    headers = {**worded.headers, "Content-Type": worded.content_type}
    return web.Response(status=worded.status, body=worded.body.encode(), headers=headers)
