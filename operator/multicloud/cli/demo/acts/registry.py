"""Every act by its name, the one that `multicloud demo` plays when none is named first."""

from collections.abc import Mapping
from typing import Final

from multicloud.cli.demo.acts.load import LOAD
from multicloud.cli.demo.acts.saving import SAVING
from multicloud.cli.demo.acts.takeover import TAKEOVER
from multicloud.cli.demo.story import Act

ACTS: Final[Mapping[str, Act]] = {act.name: act for act in (TAKEOVER, SAVING, LOAD)}
