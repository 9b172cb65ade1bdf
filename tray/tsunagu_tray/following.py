"""A connection followed from the outside: its state now, and after each change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from tsunagu.errors import HelperUnavailable, NotFound, VpnError
from tsunagu_tray.client import HelperClient, error_named
from tsunagu_tray.connection_view import ConnectionView


async def follow(client: HelperClient, path: str) -> AsyncIterator[ConnectionView]:
    """The connection now and after each change.

    Raises:
        NotFound: it is removed.
        HelperUnavailable: the helper has gone.
    """
    view: ConnectionView | None = await client.refresh(path)
    while view is not None:
        yield view
        while client.views.get(path) == view:
            await client.changed()
        view = client.views.get(path)
    if client.owner:
        raise NotFound("There is no such connection any longer")
    raise HelperUnavailable("The Tsunagu service has stopped meanwhile")


async def until_up(client: HelperClient, path: str, timeout_s: float) -> ConnectionView:
    """What has become of ``client.connect``: up and settled, or else disconnected and an error.

    Raises:
        VpnError: it cannot be had so.
        TimeoutError: not in this time.
    """
    settings = await client.settings(path)
    try:
        async with asyncio.timeout(timeout_s):
            async for now in follow(client, path):
                if now.is_settled(settings.addressing):
                    return now
                if now.is_in_vain:
                    raise error_named(now.last_error.name, now.last_error.text or "The connection was ended meanwhile")
        raise AssertionError("followed to no end")
    except BaseException:
        with suppress(VpnError):  # the first error is the one to tell
            await client.disconnect(path)
        raise
