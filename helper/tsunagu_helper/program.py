"""Runs programs of the system: fixed words, nothing of ours in their environment, and never for long."""

import asyncio
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tsunagu.errors import VpnError

SYSTEMD = Path("/run/systemd/system")  # is there where systemd runs the machine
_SYSTEMD_RUN = "/usr/bin/systemd-run"
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


async def run(words: Sequence[Path | str], text: str, error_for: Callable[[str], VpnError], limit_s: float) -> str:
    """Give it this to read, and return what it has written when it has ended.

    Raises:
        VpnError: ``error_for`` the reason why it did not do it.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_ENVIRONMENT, cwd="/"
        )
    except OSError as error:
        raise error_for(error.strerror or type(error).__name__) from error
    try:
        async with asyncio.timeout(limit_s):
            answer, complaint = await process.communicate(text.encode(errors="surrogateescape"))
    except TimeoutError as error:
        raise error_for(f"{Path(words[0]).name} does not answer") from error
    finally:
        if process.returncode is None:  # what comes after this must not be undone by it
            process.kill()
            await process.wait()
    if process.returncode:
        why = complaint.decode(errors="replace").strip().partition("\n")[0][:200]
        raise error_for(why or f"exit status {process.returncode}")
    return answer.decode(errors="replace")


def as_unit(
    words: Sequence[str], description: str, properties: Iterable[str], variables: Iterable[str] = ()
) -> list[str]:
    """The words that have systemd run it outside the helper's confinement; ``variables``: what it gets of ours."""
    return [
        *(_SYSTEMD_RUN, "--quiet", "--collect", "--pipe", "--wait", f"--description={description}"),
        *(f"--property={one}" for one in properties),
        *(f"--setenv={name}" for name in variables),  # the values it takes from its own environment
        *("--", *words),
    ]
