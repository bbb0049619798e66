"""The one error a caller of the control plane has to know.

Raised by every module of this package with a text for people: what failed, why,
and what to try. It goes straight to the caller of :class:`ControlPlane` or to
the command line, which prints it.
"""


class ControlPlaneError(Exception):
    """The control plane cannot be found, built, started or used."""
