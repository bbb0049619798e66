"""The list of commands. `__main__` calls `root` with the name it was started by."""

import click

from multicloud.cli.adopt import adopt
from multicloud.cli.approve import approve
from multicloud.cli.check.command import check
from multicloud.cli.cost import cost
from multicloud.cli.crds import crds
from multicloud.cli.demo.command import demo
from multicloud.cli.drift import accept_drift, correct_drift
from multicloud.cli.explain import explain
from multicloud.cli.lab import lab
from multicloud.cli.override import override
from multicloud.cli.pause import pause, resume
from multicloud.cli.plan.command import plan
from multicloud.cli.run import run
from multicloud.cli.simulate.command import simulate
from multicloud.cli.status import status
from multicloud.cli.switch import start, stop
from multicloud.model.version import VERSION


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(VERSION, "--version", message="multicloud-operator %(version)s")
def root() -> None:
    """EKS, AKS and GKE node pools as one pool of capacity.

    `demo` shows it without any cloud account. `run` is the operator itself. The others look at a cluster where it
    runs, steer it, look at its clouds, or stop it.
    """


for command in (
    run,
    demo,
    lab,
    status,
    plan,
    explain,
    cost,
    approve,
    simulate,
    check,
    adopt,
    accept_drift,
    correct_drift,
    override,
    pause,
    resume,
    stop,
    start,
    crds,
):
    root.add_command(command)
