"""No user keeps the helper from the others: who asks often waits for a turn, who asks without end is refused."""

import asyncio

from tsunagu.errors import VpnError

AT_ONCE = 200  # calls of one user, as a script makes them
PER_S = 50.0  # in the long run
LONGEST_WAIT_S = 10.0


class Turns:
    """By user; root needs none."""

    def __init__(self) -> None:
        self._next: dict[int, float] = {}  # when the next call would come at the rate of the long run

    async def wait(self, uid: int) -> None:
        """Return when it is this user's turn.

        Raises:
            VpnError: that would be too long.
        """
        if uid == 0:
            return
        now = asyncio.get_running_loop().time()
        turn = max(self._next.get(uid, 0), now - AT_ONCE / PER_S)
        if turn - now > LONGEST_WAIT_S:
            raise VpnError("You ask the Tsunagu service faster than it answers; try again in some seconds")
        self._next[uid] = turn + 1 / PER_S
        if turn > now:
            await asyncio.sleep(turn - now)
