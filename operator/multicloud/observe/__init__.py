"""What is there now.

`looker` reads the clouds in the background, `claims` says who owns what, `observer` puts both into the Snapshot that
`decide` judges. A failed read becomes a value (`Sight.trouble`), never an exception and never a zero.
"""
