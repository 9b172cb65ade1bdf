"""A line to the kernel's network configuration, whose refusals become errors for people."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pyroute2 import AsyncIPRoute, NetlinkError

from tsunagu.errors import VpnError

PROTOCOL = 84  # tells in "ip route" and "ip rule" what is ours; nobody's in iproute2's rt_protos


def failed(what: str) -> Callable[[str], VpnError]:
    """The error for a reason."""
    return lambda why: VpnError(f"{what}: {why}")


@asynccontextmanager
async def netlink(error_for: Callable[[str], VpnError]) -> AsyncIterator[Any]:
    """Open inside ``with``."""
    try:
        async with AsyncIPRoute() as line:
            yield line
    except NetlinkError as error:
        raise error_for(os.strerror(error.code)) from error
    except OSError as error:
        raise error_for(error.strerror or type(error).__name__) from error
