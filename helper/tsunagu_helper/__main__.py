"""The helper: puts its parts together, gets on the bus and stays on it, and leaves in order when told to."""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import pwd
import resource
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from tsunagu import __version__
from tsunagu.bus_names import SERVICE
from tsunagu.errors import VpnError
from tsunagu_dbus import BusError, MessageBus, call, close, connect
from tsunagu_helper.agents import Agents
from tsunagu_helper.authority import Authority
from tsunagu_helper.bus import Presence
from tsunagu_helper.examination import Examination
from tsunagu_helper.history import Entry, History
from tsunagu_helper.hooks import Hooks
from tsunagu_helper.journal import log_to_journal
from tsunagu_helper.lockdown import Lockdown
from tsunagu_helper.logind import Logind
from tsunagu_helper.network_watch import NetworkWatch
from tsunagu_helper.nic import Nics
from tsunagu_helper.portal import Portal
from tsunagu_helper.provision import provided
from tsunagu_helper.resolver import Resolver
from tsunagu_helper.routing import AllTraffic
from tsunagu_helper.rule_watch import Rules, RuleWatch
from tsunagu_helper.service import ConnectionService
from tsunagu_helper.store import Store
from tsunagu_helper.surroundings import Surroundings
from tsunagu_helper.to_forget import ToForget
from tsunagu_helper.wanted import Wanted
from tsunagu_helper.worker import Program, Worker

LOG = logging.getLogger("tsunagu-helper")

STATE_DIRECTORY = "/var/lib/tsunagu"
RUNTIME_DIRECTORY = "/run/tsunagu"
CONFIGURATION_DIRECTORY = "/etc/tsunagu"
NOBODYS_ID = 61337  # of workers, where the package's user does not exist; needs no entry in the user database

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0  # before trying to get on the bus again

_BUS = "org.freedesktop.DBus"
_DO_NOT_QUEUE, _PRIMARY_OWNER = 4, 1  # of RequestName


def main() -> None:
    """Run until told to stop.  Where that is impossible: one sentence, and exit status 1."""
    options = parser().parse_args()
    log_to_journal()
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold passwords
    state_directory = Path(os.environ.get("STATE_DIRECTORY", STATE_DIRECTORY)).resolve()
    runtime_directory = Path(os.environ.get("RUNTIME_DIRECTORY", RUNTIME_DIRECTORY)).resolve()
    try:
        if os.geteuid() != 0:
            raise VpnError("The helper makes network adapters, so it has to run as root; the system bus starts it so")
        program = _worker_program(options.worker_user)
        if options.unblock:
            asyncio.run(Lockdown(state_directory, program.uid).lift_all())
            return
        with _alone(state_directory):
            if options.restore:
                asyncio.run(_restore(state_directory, program.uid))
                return
            asyncio.run(_Helper(state_directory, runtime_directory, program, options).run())
    except VpnError as error:
        LOG.critical("%s", error)
        sys.exit(1)


class _Helper:
    def __init__(
        self, state_directory: Path, runtime_directory: Path, program: Program, options: argparse.Namespace
    ) -> None:
        self._admin_group = options.admin_group
        self._state_directory = state_directory
        self._start_worker = partial(Worker, program)
        self._all_traffic = AllTraffic(program.uid)
        self._resolver = Resolver(state_directory)
        self._portal = Portal()
        self._lockdown = Lockdown(state_directory, program.uid)
        mark = _nic_mark(state_directory)
        self._nics = Nics(mark, offloads=program.has_fast_path() and not options.plain)
        self._network = NetworkWatch(mark, self._network_changed, self._own_nics_changed)
        self._rules = (
            RuleWatch(Rules.NFTABLES, self._lockdown, self._nics.guard),
            RuleWatch(Rules.ROUTING, self._all_traffic),
        )
        self._wanted = Wanted(runtime_directory)
        configuration_directory = Path(os.environ.get("CONFIGURATION_DIRECTORY", CONFIGURATION_DIRECTORY))
        self._hooks = Hooks(configuration_directory / "hooks.d")
        self._provided = partial(provided, configuration_directory / "connections.d")
        self._store = Store(state_directory)
        self._examination = Examination(
            nics=self._nics,
            all_traffic=self._all_traffic,
            resolver=self._resolver,
            lockdown=self._lockdown,
            store=self._store,
            start_worker=self._start_worker,
            has_worker_user=program.uid != NOBODYS_ID,
            plain_by_option=options.plain,
        )
        self._history = History()
        self._presence = Presence()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until a signal says stop; tunnels outlive the bus.

        Raises:
            VpnError: it cannot begin.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        for rules in self._rules:
            rules.start()
        await self._clean_leftovers()
        bus = await connect("system")
        self._around = Surroundings(
            nics=self._nics,
            all_traffic=self._all_traffic,
            portal=self._portal,
            resolver=self._resolver,
            lockdown=self._lockdown,
            hooks=self._hooks,
            store=self._store,
            wanted=self._wanted,
            to_forget=ToForget(self._state_directory),
            provided=self._provided,
            agents=self._agents(bus),
            authority=self._authority(bus),
            start_worker=self._start_worker,
            examine=self._examination.look,
            history=self._history,
            utc=time.time,
        )
        self._service = ConnectionService(self._around, self._presence)
        self._logind = self._watch_logind(bus)
        try:
            await self._network.start()
            self._load()
            await self._appear(bus)
            LOG.info("Ready, version %s", __version__)
            while await self._is_lost(bus):
                LOG.warning("The connection to the system bus was lost; tunnels stay as they are")
                bus = await self._return(bus)
        finally:
            self._network.close()
            for rules in self._rules:
                rules.close()
            await self._service.shutdown()
            await self._hooks.finish()
            self._logind.close()
            await close(bus)

    async def _clean_leftovers(self) -> None:
        """The kill switch first: what it blocks is not to pass while the rest is taken away."""
        try:
            await self._lockdown.restore()
        except VpnError as error:
            LOG.error("%s", error)
        for problem in await _cleaned(self._resolver, self._all_traffic, self._nics):
            LOG.error("%s", problem)

    def _load(self) -> None:
        self._service.load()
        for problem in self._store.problems + self._service.problems:
            self._history.add(
                Entry(time=time.time(), id="", connection="Tsunagu", owner=0, level="error", text=problem)
            )

    def _network_changed(self, has_gained: bool) -> None:
        self._service.network_changed(has_gained)
        if has_gained:
            self._logind.network_came()

    def _own_nics_changed(self) -> None:
        self._service.look_at_nics()

    # -- on the bus ---------------------------------------------------------------------------------------------------

    def _agents(self, bus: MessageBus) -> Agents:
        return Agents(bus, lambda uid: self._service.agent_registered(uid))

    def _authority(self, bus: MessageBus) -> Authority:
        self._examination.authority = Authority(bus, self._admin_group)
        return self._examination.authority

    def _watch_logind(self, bus: MessageBus) -> Logind:
        return Logind(
            bus,
            on_sleep=self._service.sleep,
            on_wake=lambda: self._service.wake(self._network.is_online),
            on_user_gone=self._service.user_gone,
        )

    async def _appear(self, bus: MessageBus) -> None:
        """Take our name there, once all that belongs to it is there."""
        self._resolver.bus = self._portal.bus = bus
        self._presence.appear(bus, self._service)
        arguments = [SERVICE, _DO_NOT_QUEUE]
        try:
            [answer] = await call(bus, _BUS, "/org/freedesktop/DBus", _BUS, "RequestName", "su", arguments)
        except BusError as error:
            raise VpnError(f"The system bus does not let the helper be {SERVICE}: {error}") from error
        if answer != _PRIMARY_OWNER:
            raise VpnError(f"Another program is {SERVICE} on the system bus already")

    async def _is_lost(self, bus: MessageBus) -> bool:
        """Wait for the end of the connection; False: we are to stop."""
        ends = [asyncio.create_task(self._stop.wait()), asyncio.create_task(bus.wait_for_disconnect())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        return not self._stop.is_set()

    async def _return(self, lost: MessageBus) -> MessageBus:
        """On the bus again, as soon as there is one; the one that was lost, when we are to stop."""
        wait_s = FIRST_WAIT_S
        while not await self._stopped_within(wait_s):
            try:
                bus = await connect("system")
            except BusError as error:
                LOG.debug("%s", error)
            else:
                self._around.agents = self._agents(bus)
                self._around.authority = self._authority(bus)
                try:
                    await self._appear(bus)
                except VpnError as error:
                    LOG.error("%s", error)
                    await close(bus)
                else:
                    LOG.info("On the system bus again")
                    self._logind.close()
                    self._logind = self._watch_logind(bus)
                    return bus
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        return lost

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()


class _Changer(Protocol):
    """Who changes the machine."""

    async def clean_leftovers(self) -> None: ...


async def _cleaned(*changers: _Changer) -> list[str]:
    """Undo what a killed helper has changed; a sentence for each that could not be undone."""
    problems = []
    for changer in changers:
        try:
            await changer.clean_leftovers()
        except VpnError as error:
            problems.append(str(error))
    return problems


async def _restore(state_directory: Path, worker_uid: int) -> None:
    """Put the machine back, but for the kill switch, as the next helper would.

    Raises:
        VpnError: something could not be put back.
    """
    mark = _nic_mark(state_directory)
    if problems := await _cleaned(Resolver(state_directory), AllTraffic(worker_uid), Nics(mark)):
        raise VpnError("; ".join(problems))


# -- before it runs ---------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="tsunagu-helper", description="Tsunagu's helper; the system bus starts it.")
    parser.add_argument(
        "--worker-user", default="tsunagu-tunnel", metavar="NAME", help="whom workers run as (%(default)s)"
    )
    parser.add_argument(
        "--admin-group", default="tsunagu", metavar="NAME", help="who may do all where there is no polkit (%(default)s)"
    )
    parser.add_argument("--plain", action="store_true", help="do without the compiled data path")
    parser.add_argument("--unblock", action="store_true", help="lift the kill switch, and leave")
    parser.add_argument(
        "--restore",
        action="store_true",
        help="undo what a killed helper left, but for the kill switch, and leave",
    )
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _nic_mark(state_directory: Path) -> str:
    """What tells the NICs of the helper with these settings from all others."""
    return f"Tsunagu ({state_directory})"


def _worker_program(user: str) -> Program:
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        LOG.warning("There is no user %s, so workers run as user and group %d", user, NOBODYS_ID)
        return Program(NOBODYS_ID, NOBODYS_ID)
    if found.pw_uid == 0 or found.pw_gid == 0:
        raise VpnError(f"Workers face the network, so they must not run as {user}, who is root")
    return Program(found.pw_uid, found.pw_gid)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """With these settings there is one helper at a time; its end, however it comes, lets the next one in."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise VpnError(f"Settings cannot be kept in {directory}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise VpnError(f"Another helper runs already, with its settings in {directory}") from error
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
