"""The composition root: settings → clouds → stages → process. The only room that knows everything.

`compose` wires the stages, `process` makes a running operator of them, `clock` is real time.
"""
