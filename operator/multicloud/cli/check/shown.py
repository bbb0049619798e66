"""Findings as rows for people. `command` draws them; nothing here asks anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from multicloud.cli.check.findings import MOST_SKEW_S, AccountFound, Inner, MemberFound, Report

OK, MISSING, WRONG, UNKNOWN = "ok", "missing", "wrong", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: whose it is, what it is about, how it stands (one of the words above), and what there is to say."""

    account: str
    about: str
    state: str
    says: str


def rows(report: Report, *, wide: bool) -> Iterator[Row]:
    """Every finding in order; what is granted and where answers came from only if `wide`."""
    for account in report.accounts:
        yield from _account(account, wide=wide)
    for what, reason in report.astray:
        yield Row(account="-", about=what, state=WRONG, says=f"{reason.code}: {reason.text}")


def _account(found: AccountFound, *, wide: bool) -> Iterator[Row]:
    name = f"{found.key.namespace}/{found.key.name}"

    def row(about: str, state: str, says: str) -> Row:
        return Row(account=name, about=about, state=state, says=says)

    whose = " (the identity of where this command runs)" if found.ambient else ""
    if found.trouble is not None:
        yield row("identity", WRONG, f"{found.trouble.code}: {found.trouble.text}{whose}")
    else:
        yield row("identity", OK, f"{found.principal}{whose}")
    if found.skewed:
        yield row(
            "clock", WRONG, f"the cloud's is {found.skew_s or 0:+.0f} s from ours; signatures and tokens need the time"
        )
    elif found.skew_s is not None:
        yield row("clock", OK, f"less than {MOST_SKEW_S:.0f} s from the cloud's")
    if wide:
        yield row("endpoints", OK, ", ".join(found.endpoints) or "none answered")
    for each in found.permissions:
        permission, need = each.permission, each.permission.need
        if permission.granted is not True:
            state = MISSING if permission.granted is False else UNKNOWN
            yield row(need.name, state, f"to {need.purpose}, on {', '.join(each.where)}: {permission.why}")
        elif wide:
            yield row(need.name, OK, f"to {need.purpose}")
    if found.permissions and not wide and all(each.permission.granted for each in found.permissions):
        yield row("permissions", OK, f"all {len(found.permissions)} granted")
    for member in found.members:
        yield row(f"{member.pool}/{member.member}", *_member(member))


def _member(member: MemberFound) -> tuple[str, str]:
    if member.trouble is not None:
        return WRONG, f"{member.trouble.code}: {member.trouble.text}"
    facts = member.facts
    if facts is None:
        return UNKNOWN, f"{member.node_pool}: not asked"
    sizes = f"{facts.requested} requested, {facts.nodes} there, {facts.ready} ready"
    return OK, f"{member.node_pool}: {sizes}; Kubernetes API {_inner(member.inner)}"


def _inner(inner: Inner | None) -> str:
    if inner is None:
        return "not checked"
    cordons = {True: ", nodes may be cordoned", False: ", nodes may not be cordoned (a choice)", None: ""}
    return inner.kubernetes + cordons[inner.cordons]
