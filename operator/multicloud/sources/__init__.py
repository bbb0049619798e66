"""Where scaling policies' numbers come from: one file a kind of source, each registered in `registry`.

A source asks and answers; it decides nothing and remembers nothing. `observe` calls it through the port MetricSource. No
answer of a source is ever repeated in a message: it may be anybody's.
"""
