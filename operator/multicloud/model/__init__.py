"""The nouns every stage speaks. Standard library only; no I/O, no clock, no logging.

`ref` names things, `size` holds what a cloud told us, `spec` what the user wants, `record` what we remember,
`plan` what we decided, `reason` why, `error` what a cloud refused, `port` the doors between the stages.
"""
