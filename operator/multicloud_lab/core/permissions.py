"""Who may do what. Every principal may do everything until its seed or the admin port says otherwise.

Actions are named as each vendor names them (eks:UpdateNodegroupConfig,
Microsoft.ContainerService/managedClusters/agentPools/write, container.clusters.update); `*` in a
pattern stands for anything, and case does not matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from multicloud_lab.core.journal import Told, tell_nobody

EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """What a principal may not do, although its set allows it; `resource` is a pattern too."""

    action: str
    resource: str = "*"


class Permissions:
    """The principals' sets and denials, by cloud and the principal's name in the journal."""

    def __init__(self, allowed: Mapping[tuple[str, str], Iterable[str]]) -> None:
        """Start with these sets; who is not named may do everything."""
        self.told: Told = tell_nobody
        self._seeded = {principal: tuple(patterns) for principal, patterns in allowed.items()}
        self._allowed = dict(self._seeded)
        self._denied: dict[str, list[Denial]] = {}

    def allows(self, principal: str, action: str, resource: str = "*") -> bool:
        """Say whether the principal may do the action on the resource."""
        allowed = self._allowed.get((_cloud_of(action), principal), EVERYTHING)
        return any(_fits(action, pattern) for pattern in allowed) and not self.denies(principal, action, resource)

    def denies(self, principal: str, action: str, resource: str = "*") -> bool:
        """Say whether an action was taken from the principal, whatever its set says: a cluster's own rights are in none."""
        return any(
            _fits(action, denial.action) and _fits(resource, denial.resource)
            for denial in self._denied.get(principal, ())
        )

    def allowed(self, cloud: str, principal: str) -> tuple[str, ...]:
        """Return the patterns of what the principal may do."""
        return self._allowed.get((cloud, principal), EVERYTHING)

    def denied(self, principal: str) -> tuple[Denial, ...]:
        """Return what is taken from that."""
        return tuple(self._denied.get(principal, ()))

    def deny(self, principal: str, action: str, resource: str = "*") -> None:
        """Take an action (a pattern) from a principal."""
        self._denied.setdefault(principal, []).append(Denial(action=action, resource=resource))
        self.told("Deny", {"principal": principal, "action": action, "resource": resource})

    def allow_only(self, cloud: str, principal: str, actions: Iterable[str]) -> None:
        """Give a principal exactly these actions (patterns) of a cloud."""
        self._allowed[cloud, principal] = tuple(actions)
        actions = list(self._allowed[cloud, principal])
        self.told("AllowOnly", {"cloud": cloud, "principal": principal, "actions": actions})

    def restore(self, principal: str) -> None:
        """Give a principal back what the seed says."""
        self._denied.pop(principal, None)
        others = {key: patterns for key, patterns in self._allowed.items() if key[1] != principal}
        self._allowed = others | {key: patterns for key, patterns in self._seeded.items() if key[1] == principal}
        self.told("RestorePermissions", {"principal": principal})

    def reset(self) -> None:
        """Give everybody back what the seed says."""
        self._allowed = dict(self._seeded)
        self._denied.clear()


def _cloud_of(action: str) -> str:
    """Tell a cloud by the form of its actions' names: service:Action, Provider/type/verb, service.resource.verb."""
    if ":" in action:
        return "aws"
    return "azure" if "/" in action else "gcp"


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())
