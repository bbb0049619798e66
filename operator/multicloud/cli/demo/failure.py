"""What can go wrong on the way to a demo, as one error with words for people."""


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to try."""
