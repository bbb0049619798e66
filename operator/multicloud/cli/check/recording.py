"""The file that `multicloud check --record` writes: calls and findings of each account, redacted.

A user of a real cloud can send it with a report; a test plays such files back through the vendors' SDKs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from multicloud.cli.check.findings import AccountFound, MemberFound
from multicloud.cli.check.redaction import Redaction
from multicloud.model.exchange import Exchange
from multicloud.model.version import USER_AGENT

FORMAT: Final = 1


def recorded(accounts: Sequence[tuple[AccountFound, Sequence[Exchange]]]) -> Mapping[str, Any]:
    """The file's content."""
    redaction = Redaction(_names(account for account, _ in accounts))
    return {
        "format": FORMAT,
        "madeBy": USER_AGENT,
        "accounts": [_account(account, exchanges, redaction) for account, exchanges in accounts],
    }


def _account(account: AccountFound, exchanges: Sequence[Exchange], redaction: Redaction) -> Mapping[str, Any]:
    return {
        "provider": account.provider,
        "identity": redaction.text(account.principal),
        "problem": account.trouble and redaction.sentence(f"{account.trouble.code}: {account.trouble.text}"),
        "clockSkewSeconds": account.skew_s,
        "permissions": {each.permission.need.name: each.permission.granted for each in account.permissions},
        "nodePools": [_node_pool(member, redaction) for member in account.members],
        "calls": [_call(exchange, redaction) for exchange in exchanges],
    }


def _node_pool(member: MemberFound, redaction: Redaction) -> Mapping[str, Any]:
    cluster, facts = member.node_pool.cluster, member.facts
    place = {
        "owner": cluster.owner,
        "group": cluster.group,
        "location": cluster.location,
        "cluster": cluster.name,
        "nodePool": member.node_pool.name,
    }
    return {
        **{name: redaction.text(value) for name, value in place.items()},
        "problem": member.trouble and redaction.sentence(f"{member.trouble.code}: {member.trouble.text}"),
        "found": facts
        and {
            "claim": redaction.text(facts.claim),
            "requested": facts.requested,
            "nodes": facts.nodes,
            "ready": facts.ready,
            "readySource": str(facts.ready_source),
            "step": facts.step,
            "cloudMin": facts.cloud_min,
            "cloudMax": facts.cloud_max,
            "autoscaling": facts.autoscaling,
            "activity": str(facts.activity),
        },
    }


def _call(exchange: Exchange, redaction: Redaction) -> Mapping[str, Any]:
    url = urlsplit(exchange.url)
    # A gRPC method is the vendor's own name.
    path = url.path if exchange.method == "gRPC" else redaction.path(url.path)
    return {
        "service": exchange.service,
        "host": redaction.text(url.hostname or ""),
        "method": exchange.method,
        "path": path,
        "query": redaction.query(url.query),
        "sent": redaction.body(exchange.sent),
        "status": exchange.status,
        "headers": redaction.headers(exchange.headers),
        "answer": redaction.body(exchange.answer),
    }


def _names(accounts: Iterable[AccountFound]) -> Iterable[str]:
    """What users named: where a sentence says it, it shall not stay."""
    for account in accounts:
        yield from (account.key.namespace, account.key.name, account.principal)
        for member in account.members:
            cluster = member.node_pool.cluster
            yield from (member.pool, member.member, cluster.owner, cluster.group, cluster.name, member.node_pool.name)
