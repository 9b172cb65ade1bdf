"""/etc/resolv.conf while names are looked up through a tunnel: ours, whoever else writes it meanwhile.

DHCP clients and network managers write it at each renewal.  What they have written is what is put back at the end.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tsunagu.errors import VpnError
from tsunagu_helper.lease_policy import DnsPlan
from tsunagu_helper.netlink import failed
from tsunagu_helper.places import Places
from tsunagu_helper.program import SYSTEMD, as_unit, run
from tsunagu_helper.resolv_conf import PATH, ResolvConf, resolv_conf
from tsunagu_helper.watch import Watch

LOG = logging.getLogger(__name__)

QUIET_S = 0.2  # for programs that delete the file and write another
FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0  # after we have taken it back; twice as long each time
CALM_S = 600.0  # without another program's writing: it was no fight
OFTEN = 5  # times that it was taken back: now it is one
OUTSIDE_S = 20.0

Told = Callable[[VpnError], None]


class NamesFile:
    """The file, as the plan of one NIC wants it; ``kept`` is where the original is held meanwhile."""

    def __init__(self, kept: Path, path: Path = PATH) -> None:
        self._kept, self._path = kept, path
        self._file = ResolvConf(kept, path)
        self._nic = ""
        self._text = ""  # that is to be there
        self._told: Told = lambda _error: None
        self._turn = asyncio.Lock()  # for whoever changes any of these
        self._places: Places | None = None
        self._watch: Watch | None = None
        self._times = 0  # that it was taken back, in one fight
        self._taken_back, self._rest_s = 0.0, 0.0  # when that was last; until it may be again

    async def set(self, nic: str, plan: DnsPlan, told: Told) -> None:
        """Have this NIC's servers there until ``unset``; ``told`` gets what is wrong with that later.

        Raises:
            VpnError: that is not possible; all is as it was.
        """
        async with self._turn:
            if self._nic not in ("", nic):
                raise VpnError(f"Names are looked up through {self._nic} already; disconnect that connection first")
            text = resolv_conf(plan)
            if not (self._nic and self._is(text)):
                await self._put(text)
            self._nic, self._text, self._told = nic, text, told
            if not self._watch:
                self._begin_watch()

    async def unset(self, nic: str) -> None:
        """Put the original back, if this NIC's servers are there.

        Raises:
            VpnError: that is not possible.
        """
        if nic == self._nic:
            async with self._turn:
                self._nic = ""
                if self._watch:
                    self._watch.close()
                    self._watch = None
                await self._put_back()

    async def put_back(self) -> None:
        """What was there before any of ours was, or a killed helper's.

        Raises:
            VpnError: that is not possible.
        """
        async with self._turn:
            await self._put_back()

    # -- the watch ----------------------------------------------------------------------------------------------------

    def _begin_watch(self) -> None:
        try:
            self._places = Places()
        except OSError as error:
            LOG.warning("%s cannot be watched: %s", self._path, error.strerror)
            return
        self._watch = Watch(self._places, self._look, name=f"watch of {self._path}", quiet_s=QUIET_S)

    def _follow(self) -> None:
        """Names around it and around what it is a link to now; and the file, which may be a mount from elsewhere."""
        assert self._places
        for path in (self._path.parent, Path(os.path.realpath(self._path)).parent, self._path):
            with contextlib.suppress(OSError):  # there is nothing at the moment
                self._places.add(path)

    async def _look(self) -> bool:
        async with self._turn:
            if not self._nic:
                return True
            self._follow()
            if self._is(self._text):
                return True
            failure = None
            try:
                await self._put(self._text)
            except VpnError as error:
                failure = error
        self._count(failure)
        await asyncio.sleep(self._rest_s)
        return True

    def _count(self, failure: VpnError | None) -> None:
        """Who fights for it without end wins most of the time, and is told of, once."""
        now = asyncio.get_running_loop().time()
        goes_on = self._times and now - self._taken_back < CALM_S
        self._times = self._times + 1 if goes_on else 1
        self._rest_s = min(2 * self._rest_s, LONGEST_REST_S) if goes_on else FIRST_REST_S
        self._taken_back = now
        if failure and self._times == 1:
            self._told(failure)
        elif not failure:
            LOG.info("Another program has written %s; that comes back when the tunnel is down", self._path)
        if self._times == OFTEN:
            self._told(
                VpnError(
                    f"Another program writes {self._path} again and again, so some names are looked up outside the "
                    "tunnel; have that program leave the file alone, or install systemd-resolved"
                )
            )

    # -- the file -----------------------------------------------------------------------------------------------------

    def _is(self, text: str) -> bool:
        try:
            return self._file.text() == text
        except OSError:
            return False

    async def _put(self, text: str) -> None:
        try:
            self._file.put(text)
        except OSError as error:
            await self._outside(text, f"{self._path} could not be changed", error)

    async def _put_back(self) -> None:
        try:
            self._file.put_back()
        except OSError as error:
            what = f"{self._path} could not be put back; the original is in {self._kept}"
            await self._outside("", what, error)

    async def _outside(self, text: str, what: str, error: OSError) -> None:
        """Where another program has put a file of its own in its place, or a link, our unit does not let us write."""
        error_for = failed(what)
        if not SYSTEMD.is_dir():
            raise error_for(error.strerror or type(error).__name__) from error
        words = [sys.executable, "-I", "-m", "tsunagu_helper.resolv_conf", str(self._kept)]
        limits = (
            "ProtectSystem=strict",
            f"ReadWritePaths={self._path.parent} {self._kept.parent}",
            "ProtectHome=yes",
            "PrivateNetwork=yes",
            "CapabilityBoundingSet=",
            "NoNewPrivileges=yes",
            "UMask=0077",
            f"RuntimeMaxSec={OUTSIDE_S:.0f}",
        )
        await run(as_unit(words, "Tsunagu writes resolv.conf", limits), text, error_for, OUTSIDE_S)
