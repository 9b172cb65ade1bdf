"""nftables, by its own program: rules in, as one transaction; and tables of our own, as they stand."""

import os
from collections.abc import Callable
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu_helper import program

PROGRAM = Path("/usr/sbin/nft")
LIMIT_S = 10.0


class Table:
    """One of ours, of the family inet.  Other programs may take it away or change it at any time."""

    def __init__(self, name: str, error_for: Callable[[str], VpnError]) -> None:
        self._name, self._error_for = name, error_for
        self._as_loaded = ""  # in nft's words

    async def load(self, rules: str) -> None:
        """Have the kernel take all of these, or none.

        Raises:
            VpnError: none.
        """
        await run(rules, self._error_for)
        self._as_loaded = await self.text()

    async def remove(self, *besides: str) -> None:
        """Take it away, and others.

        Raises:
            VpnError: all is as it was.
        """
        await run("".join(map(gone, (self._name, *besides))), self._error_for)
        self._as_loaded = ""

    async def text(self) -> str:
        """What stands, in nft's words, but for what passing packets leave there; "": nothing."""
        try:
            return await run(f"list table inet {self._name}\n", self._error_for, "--stateless", "--terse")
        except VpnError:
            return ""

    async def is_whole(self) -> bool:
        """It stands as it was loaded."""
        return bool(self._as_loaded) and await self.text() == self._as_loaded


def gone(table: str) -> str:
    """The rules that take a table away, whether it is there or not."""
    return f"table inet {table}\ndelete table inet {table}\n"


async def why_not(rules: str) -> str:
    """Why the kernel would not take these; "": it would."""
    try:
        await run(rules, VpnError, "--check")
    except VpnError as error:
        return str(error)
    return ""


async def run(commands: str, error_for: Callable[[str], VpnError], *options: str) -> str:
    """What nft has to say to these, all of which it carries out, or none.

    Raises:
        VpnError: ``error_for`` the reason.
    """
    if not os.access(PROGRAM, os.X_OK):
        raise error_for("there is no program nft; install the package nftables")
    return await program.run([PROGRAM, *options, "-f", "-"], commands, error_for, LIMIT_S)
