"""nftables, by its own program: rules in, as one transaction."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

from tsunagu.errors import VpnError

PROGRAM = Path("/usr/sbin/nft")
LIMIT_S = 10.0


async def load(rules: str, error_for: Callable[[str], VpnError], *options: str) -> None:
    """Have the kernel take all of these, or none.

    Raises:
        VpnError: ``error_for`` the reason.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *options,
            *("-f", "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
        )
    except FileNotFoundError as error:
        raise error_for("there is no program nft; install the package nftables") from error
    except OSError as error:
        raise error_for(str(error)) from error
    try:
        async with asyncio.timeout(LIMIT_S):
            _, complaint = await process.communicate(rules.encode())
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise error_for("nft does not answer") from error
    if process.returncode:
        raise error_for(complaint.decode(errors="replace").strip().partition("\n")[0][:200])
