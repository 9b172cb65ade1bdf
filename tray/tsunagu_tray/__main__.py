"""The tray program: wires the helper, the icon, notifications and questions together in one asyncio thread."""

import argparse
import asyncio
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any

from tsunagu import __version__
from tsunagu.bus_names import AGENT_PATH
from tsunagu.errors import VpnError, bus_error_name
from tsunagu_dbus import BusError, MessageBus, call, close, connect, watch_name
from tsunagu_tray.agent import Agent
from tsunagu_tray.catalogue import languages
from tsunagu_tray.client import HelperClient
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.icon import Menu, MenuItem, TrayIcon
from tsunagu_tray.images import picture
from tsunagu_tray.keyring import Keyring
from tsunagu_tray.memory import Memory, Remembered
from tsunagu_tray.notify import Notifier
from tsunagu_tray.panel_colour import (
    COLOURS_SYMBOLS,
    SchemeWatch,
    are_installed,
    desktops,
    ink,
    symbolic_name,
)
from tsunagu_tray.preferences import IconStyle, preferences_file
from tsunagu_tray.prompt import open_window
from tsunagu_tray.questions import Questions
from tsunagu_tray.session_names import TRAY, TRAY_PATH, WINDOW
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import (
    Do,
    Item,
    Known,
    Narrator,
    Notice,
    Verb,
    Withdraw,
    as_wanted,
    came_up,
    click,
    icon,
    menu,
    recent,
    tooltip,
)
from tsunagu_tray.tray_object import TrayObject
from tsunagu_tray.turn import Turn

log = logging.getLogger(__name__)

PICTURE_SIZE = 96  # px; the icon scales it down
MAX_MESSAGE = 1000  # characters of a hub's message in a notification; the status has all of it
HISTORY = 100  # entries to look through for the last ones of each connection
NO_PLACE = "no-place"  # key of the notification that no panel shows icons
PREFERENCES = "preferences"  # key of the one that they are damaged


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Quit, a signal, or the end of the session; the exit status."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(name)s: %(message)s")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # passwords pass through here and through our windows
    try:
        return asyncio.run(_run(Texts(*languages(os.environ))))
    except BusError as error:
        sys.stderr.write(f"tsunagu-tray: {error}\n")
        return 1


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="tsunagu-tray", description="The tray icon of the Tsunagu VPN client.")
    parser.add_argument("--version", action="version", version=f"tsunagu {__version__}")
    parser.add_argument("--verbose", action="store_true", help="write what happens to stderr")
    return parser


async def _run(texts: Texts) -> int:
    session = await connect("session")
    try:
        if not await _is_only_one(session):
            sys.stderr.write(texts("already_running") + "\n")
            return 0
        tray = Tray(session, texts)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, tray.quit.set)
        await tray.run()
    finally:
        await close(session)
    return 0


async def _is_only_one(session: MessageBus) -> bool:
    bus, do_not_queue, exists = "org.freedesktop.DBus", 4, 3
    path = "/org/freedesktop/DBus"
    [answer] = await call(session, bus, path, bus, "RequestName", "su", [TRAY, do_not_queue])
    return bool(answer != exists)


class Tray:
    """All parts of the tray, and what a click makes them do."""

    def __init__(self, session: MessageBus, texts: Texts) -> None:
        self.quit = asyncio.Event()
        self._session = session
        self._texts = texts
        self._memory = Memory(os.environ, "tray", Remembered())
        self._preferences = preferences_file(os.environ)
        self._known = Known(preferences=self._preferences.values)
        self._narrator = Narrator(texts)
        self._notifier = Notifier(session, self._do)
        turn = Turn(os.environ, self._is_back)
        self._client = HelperClient(self._changed, only_of=os.getuid(), watchers=[turn.watch])
        self._questions = Questions(texts, self._memory, self._say, self._changed, time.monotonic, turn)
        self._agent = Agent(
            self._questions, lambda: self._client.owner, lambda path: self._client.views.get(path), Keyring()
        )
        self._icon = TrayIcon(
            "tsunagu", bus=session, on_host_changed=self._place_changed, on_other_click=self._open_window
        )
        self._recent: dict[str, tuple[str, ...]] = {}
        self._scheme = SchemeWatch(session, self._draw)
        self._desktops = desktops(os.environ)
        self._has_symbols = bool(self._desktops & COLOURS_SYMBOLS) and are_installed(os.environ)
        self._drawn: object = None  # kind, ink, and whether by its name
        self._has_place = False  # for the icon
        self._windows_owner = ""  # on the session's bus
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Show the icon and follow the helper until ``quit`` is set or the session's bus has ended."""
        self._draw()
        self._session.export(TRAY_PATH, TrayObject(self._questions.clicked, self._reload))
        self._icon.run_detached()
        self._tell_damage()
        watch_name(self._session, WINDOW, self._windows_changed)
        await self._client.register_agent(AGENT_PATH, self._agent)
        self._start(self._client.keep())
        self._start(self._notifier.run())
        self._start(self._scheme.ask())
        ends = [asyncio.ensure_future(self.quit.wait()), asyncio.ensure_future(self._session.wait_for_disconnect())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        self._agent.cancel_all()
        for task in (*self._tasks, *ends):
            task.cancel()
        await asyncio.gather(*self._tasks, *ends, return_exceptions=True)
        self._notifier.close()
        await self._icon.close()
        await self._client.close()

    # -- what is known, shown and said --------------------------------------------------------------------------------

    def _changed(self) -> None:
        old, new = self._known, self._look()
        if new == old:
            return
        self._known = new
        if not new.available:
            self._agent.cancel_all()
        self._say(self._narrator.tell(old, new, time.time()))
        if _has_happened(old, new):
            self._start(self._read_history())
        for view in came_up(old, new):
            self._start(self._pass_on_message(view))
        self._draw()

    async def _read_history(self) -> None:
        with suppress(VpnError):  # the helper has gone again
            self._recent = recent(await self._client.events(HISTORY), self._texts)
            self._changed()

    async def _pass_on_message(self, view: ConnectionView) -> None:
        """What the hub has to say to everyone who connects; not again when a lost connection comes back."""
        with suppress(VpnError):  # it has ended again
            status = await self._client.status(view.path)
            if status["message"] and status["established_count"] == 1:
                title = self._texts("message_title", name=view.name)
                body = status["message"][:MAX_MESSAGE]
                self._say([Notice(key=f"{view.path}/message", title=title, body=body, is_trouble=False)])

    def _say(self, said: Iterable[Notice | Withdraw]) -> None:
        self._notifier.say(as_wanted(said, self._preferences.values.notifications))

    def _reload(self) -> None:
        """The preferences are others."""
        self._preferences.read()
        self._tell_damage()
        self._changed()

    def _tell_damage(self) -> None:
        if self._preferences.problem:
            log.warning("%s: %s", self._preferences.path, self._preferences.problem)
            body = self._texts("pref_damaged", file=self._preferences.path)
            self._say([Notice(key=PREFERENCES, title="Tsunagu", body=body)])
        else:
            self._say([Withdraw(PREFERENCES)])

    def _is_back(self) -> None:
        """The person is at the screen again."""
        self._start(self._client.register_again())

    def _windows_changed(self, owner: str) -> None:
        self._windows_owner = owner
        self._changed()

    def _look(self) -> Known:
        return Known(
            views=self._client.views,
            available=self._client.available,
            is_locked=self._client.is_locked,
            last_used=self._memory.values.last_used,
            has_windows=bool(self._windows_owner),
            asking=dict(self._questions.waiting),
            recent=self._recent,
            preferences=self._preferences.values,
        )

    def _draw(self) -> None:
        kind, style = icon(self._known), self._known.preferences.icon
        look = kind, ink(style, self._scheme.scheme, self._desktops), style is IconStyle.AUTOMATIC and self._has_symbols
        if look != self._drawn:
            self._drawn = look
            self._icon.symbol = symbolic_name(kind) if look[2] else ""
            self._icon.icon = picture(kind, PICTURE_SIZE, look[1])
        self._icon.title = tooltip(self._known, self._texts)
        self._icon.menu = self._menu(menu(self._known, self._texts))

    def _menu(self, items: Sequence[Item | None]) -> Menu:
        return Menu(*(Menu.SEPARATOR if item is None else self._line(item) for item in items))

    def _line(self, item: Item) -> MenuItem:
        if item.children:
            return MenuItem(item.label, self._menu(item.children))

        def chosen(_icon: TrayIcon, _item: MenuItem) -> None:
            # The line of a left click is what the icon does now: the menu may be a moment older.
            if do := click(self._known) if item.is_default else item.do:
                self._do(do)

        checked = None if item.checked is None else lambda _item: bool(item.checked)
        return MenuItem(item.label, chosen, checked, default=item.is_default, enabled=item.enabled)

    def _place_changed(self, present: bool) -> None:
        """Where there is no place for the icon, that is told once; but again where there has been one."""
        had_place, self._has_place = self._has_place, present
        if present:
            self._say([Withdraw(NO_PLACE)])
            return
        log.info("No panel shows the icon")
        is_news = not self._memory.values.knows_no_place
        if is_news or had_place:
            self._say([Notice(key=NO_PLACE, title=self._texts("no_place_title"), body=self._texts("no_place_body"))])
        if is_news:
            self._memory.remember(knows_no_place=True)
            if not self._windows_owner:
                self._open_window()

    # -- what a click does --------------------------------------------------------------------------------------------

    def _do(self, do: Do) -> None:
        client, path = self._client, do.path
        match do.verb:
            case Verb.CONNECT:
                self._questions.clicked(path)
                if view := client.views.get(path):
                    self._memory.remember(last_used=view.id)
                self._start(self._told(path, client.connect(path)))
            case Verb.DISCONNECT:
                self._start(self._told(path, client.disconnect(path)))
            case Verb.DISCONNECT_ALL:
                for view in client.views.values():
                    if view.is_active:
                        self._start(self._told(view.path, client.disconnect(view.path)))
            case Verb.ANSWER:
                self._questions.open(path)
            case Verb.START_SERVICE:
                self._start(self._told("", client.activate()))
            case Verb.OPEN:
                self._open_window()
            case Verb.NEW:
                self._open_window("--new")
            case Verb.DETAILS | Verb.EDIT:
                if view := client.views.get(path):
                    self._open_window("--details" if do.verb is Verb.DETAILS else "--settings", view.name)
            case Verb.UNBLOCK:
                self._start(self._told("", client.unblock()))
            case Verb.PREFERENCES:
                self._open_window("--preferences")
            case Verb.CLICK_CONNECTION:
                if view := client.views.get(path):
                    self._start(self._told(path, self._toggle_click(view)))
            case Verb.AT_START:
                if view := client.views.get(path):
                    self._start(self._told(path, client.set_at_start(path, not view.connect_at_start)))
            case Verb.QUIT:
                self.quit.set()

    async def _toggle_click(self, view: ConnectionView) -> None:
        chosen = "" if self._preferences.read().click_connection == view.id else view.id
        try:
            self._preferences.change(click_connection=chosen)
        finally:
            self._changed()

    def _open_window(self, *arguments: str) -> None:
        """In its own process; where one has the windows already, that one shows it."""
        self._start(open_window(*arguments))

    async def _told(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and say so if it fails."""
        try:
            await work
        except VpnError as error:
            view = self._client.views.get(key)
            title = self._texts("refused_title", name=view.name) if view else "Tsunagu"
            body = self._texts.error(LastError(bus_error_name(error), error.code, str(error)))
            self._say([Notice(key=key, title=title, body=body)])

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("Internal error", exc_info=error)


def _has_happened(old: Known, new: Known) -> bool:
    """Whether the history has a new entry."""
    seen, now = ({path: (view.state, view.last_error) for path, view in known.views.items()} for known in (old, new))
    return now != seen


if __name__ == "__main__":
    sys.exit(main())
