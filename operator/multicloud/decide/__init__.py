"""The decision of a pass: `decide(snapshot)` gives a Plan. Pure: no I/O, no clock, no logging.

    settle → wish → place → gates → words

`bindings(snapshot)` tells what decided the sizes, and at what price. `observe` made the Snapshot; `act` sends what the Plan asks for now, `report` shows all of it.
"""

from multicloud.decide.decision import bindings, decide

__all__ = ["bindings", "decide"]
