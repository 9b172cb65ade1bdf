"""What the systemd units that ship run when the machine starts, here without systemd."""

import shlex
import sys

from tests.lab.sandbox import CHECKOUT
from tests.lab.stack import Stack


def run_unit(stack: Stack, name: str) -> bool:
    """Its commands, in order, up to one that fails; whether none did."""
    text = (CHECKOUT / "packaging/systemd" / name).read_text()
    for installed, here in (
        ("/var/lib/tsunagu", stack.state_folder),
        ("/usr/lib/tsunagu/bin/python -I", sys.executable),
        ("/usr/lib/tsunagu/closed.nft", CHECKOUT / "packaging/nftables/closed.nft"),
    ):
        text = text.replace(installed, str(here))
    commands = [line.partition("=")[2] for line in text.splitlines() if line.startswith("ExecStart=")]
    return all(stack.run_as_root(*shlex.split(command)).returncode == 0 for command in commands)
