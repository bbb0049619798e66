"""From a plan to cloud calls: each one prepared, persisted, admitted, sent once, and its answer remembered.

`prepare` turns asks into intents that the brake and the scopes let through; the caller persists them in status; only
then `send` lets them out. `brake` bounds the whole fleet, `scope` says who waits for whom.
"""
