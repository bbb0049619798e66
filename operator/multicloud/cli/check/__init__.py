"""`multicloud check`: who each account is, what it may do, what it sees; nothing is ever changed.

`command` reads accounts and pools, `checking` asks the clouds, `findings` holds what came of it, `shown` makes rows,
`wire` looks on at the calls, `recording` writes them down after `redaction`.
"""
