"""What the systemd units that ship run, here without systemd."""

import shlex
import sys

from tests.lab.sandbox import CHECKOUT
from tests.lab.stack import Stack


def run_stop_post(stack: Stack) -> bool:
    """What the helper's unit runs once the helper has ended, however that was; whether it did not fail."""
    return _run(stack, "tsunagu-helper.service", "ExecStopPost=")


def run_unit(stack: Stack, name: str) -> bool:
    """Its commands, in order, up to one that fails; whether none did."""
    return _run(stack, name, "ExecStart=")


def _run(stack: Stack, name: str, key: str) -> bool:
    text = (CHECKOUT / "packaging/systemd" / name).read_text()
    for installed, here in (
        ("/var/lib/tsunagu", stack.state_folder),
        ("/usr/lib/tsunagu/bin/python -I", sys.executable),
        ("/usr/lib/tsunagu/closed.nft", CHECKOUT / "packaging/nftables/closed.nft"),
    ):
        text = text.replace(installed, str(here))
    commands = [line.partition("=")[2] for line in text.splitlines() if line.startswith(key)]
    return all(stack.run_as_root(*shlex.split(command)).returncode == 0 for command in commands)
