"""Reference pages in Markdown, generated from the code that they describe.

`python -m multicloud.cli.reference --write docs/reference` writes them, `--check` fails when they differ.
"""
