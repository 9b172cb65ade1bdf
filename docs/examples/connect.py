"""Connect by name, wait for the address and print it: connect.py NAME."""

import asyncio
import sys

from tsunagu.errors import VpnError
from tsunagu.model import State
from tsunagu_tray.client import HelperClient


async def connect(name: str) -> str:
    changed = asyncio.Event()
    client = HelperClient(changed.set)  # its views follow the helper's signals
    await client.open()
    try:
        await client.activate()
        path = next((path for path, view in client.views.items() if view.name == name), "")
        if not path:
            raise VpnError(f"There is no connection named {name}")
        await client.connect(path)
        view = await client.refresh(path)
        async with asyncio.timeout(60):
            while not view.address:
                if view.state is State.IDLE:
                    raise VpnError(view.last_error.text or "The connection was ended")
                changed.clear()
                await changed.wait()
                view = client.views[path]
        return view.address
    finally:
        await client.close()


try:
    print(asyncio.run(connect(sys.argv[1])))
except VpnError as error:
    sys.exit(str(error))
except TimeoutError:
    sys.exit("Not connected within a minute")
