"""``tsunagu-window``: the one process of all windows that stay; a second start only tells it what to show."""

import argparse
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tsunagu import __version__
from tsunagu.errors import NotFound, VpnError
from tsunagu.model import ConnectionSettings
from tsunagu_tray.attempt_model import Attempts
from tsunagu_tray.client import HelperClient
from tsunagu_tray.session_names import WINDOW
from tsunagu_tray.windows.attempt import Attempt
from tsunagu_tray.windows.details import Details
from tsunagu_tray.windows.editing import Editing
from tsunagu_tray.windows.helper_thread import HelperThread
from tsunagu_tray.windows.history import view_history
from tsunagu_tray.windows.main_window import MainWindow
from tsunagu_tray.windows.preferences import PreferencesWindow
from tsunagu_tray.windows.settings_editor import SettingsEditor
from tsunagu_tray.windows.toolkit import ICON_NAME, Adw, Gio, GLib, Gtk, own_texts, use_style
from tsunagu_tray.windows.tray_link import TrayLink
from tsunagu_tray.windows.usage import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the windows until the last one is closed; the exit status."""
    words = sys.argv[1:] if arguments is None else [*arguments]
    parser().parse_args(words)  # what is wrong is told here, not by the process that has the windows
    GLib.set_prgname(WINDOW)
    return int(Application().run(words))


class Application:
    """All windows, and what their buttons do."""

    def __init__(self) -> None:
        self.texts = own_texts()
        self.helper = HelperThread(self._changed)
        self._main: MainWindow | None = None
        self._details: dict[str, Details] = {}
        self._preferences: PreferencesWindow | None = None
        self._attempts = Attempts()
        self._attempt_windows: dict[str, Attempt] = {}
        self._wanted: argparse.Namespace | None = None  # until the connections are known
        self._application = Adw.Application(application_id=WINDOW, flags=Gio.ApplicationFlags.HANDLES_COMMAND_LINE)
        self._application.connect("startup", self._startup)
        self._application.connect("command-line", self._command_line)
        self._application.connect("shutdown", lambda _: self.helper.stop())

    def run(self, words: Sequence[str]) -> int:
        """Until the last window is closed."""
        return int(self._application.run(["tsunagu-window", *words]))

    def _startup(self, application: Adw.Application) -> None:
        use_style()
        for name, key, deed in (
            ("new", "<Control>n", self.new),
            ("import", "<Control>o", lambda: self.show_main().import_chosen()),
            ("preferences", "<Control>comma", self.preferences),
            ("about", "", self.about),
            ("quit", "<Control>q", self.quit),
        ):
            action = Gio.SimpleAction(name=name)
            action.connect("activate", lambda *_, deed=deed: deed())
            application.add_action(action)
            if key:
                application.set_accels_for_action(f"app.{name}", [key])
        application.set_accels_for_action("window.close", ["<Control>w"])
        self._link = TrayLink(application.get_dbus_connection())
        self._link.see_that_it_runs()
        self.helper.start()

    def _command_line(self, _application: Adw.Application, command: Gio.ApplicationCommandLine) -> int:
        if self._wanted is None:
            self._application.hold()  # it may take a moment until there is a window
        self._wanted = parser().parse_args(command.get_arguments()[1:])
        if self._wanted.file:
            self._wanted.file = Path(command.get_cwd() or ".") / self._wanted.file
        if self.helper.is_known or not (self._wanted.details or self._wanted.settings or self._wanted.file):
            self._open_wanted()
        return 0

    def _open_wanted(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            return
        GLib.idle_add(self._application.release)
        name = wanted.details or wanted.settings
        path = next((view.path for view in self.helper.views.values() if view.name == name), "")
        if wanted.file:
            self.show_main().import_file(wanted.file)
        elif wanted.preferences:
            self.preferences()
        elif wanted.new:
            self.show_main()
            self.new()
        elif not name or not self.helper.is_known:
            self.show_main()
        elif not path:
            self.show_main().tell(NotFound("There is no such connection"))
        elif wanted.details:
            self.details(path)
        else:
            self.edit(path)

    def _changed(self) -> None:
        if self.helper.is_known or not self.helper.available:
            self._open_wanted()
        if self._main is not None:
            self._main.refresh()
        if self._preferences is not None:
            self._preferences.refresh()
        for window in [*self._details.values()]:
            window.refresh()
        self._attempts.update(self.helper.views)
        self._show_attempts()

    def _show_attempts(self) -> None:
        pages = self._attempts.pages()
        for path in self._attempt_windows.keys() - pages.keys():
            self._attempt_windows.pop(path).close()
        for path, page in pages.items():
            if path not in self._attempt_windows:
                self._attempt_windows[path] = Attempt(self._application, self.texts, path, self)
                self.helper.ask(_settings_of(path), partial(self._know_settings, path))
            was_up = self._attempts.was_up(path)
            self._attempt_windows[path].show(self.helper.views[path], page, was_up=was_up)

    def _know_settings(self, path: str, settings: ConnectionSettings) -> None:
        if window := self._attempt_windows.get(path):
            window.settings = settings
            self._show_attempts()

    # -- windows ------------------------------------------------------------------------------------------------------

    def show_main(self) -> MainWindow:
        """The list, in front."""
        if self._main is None:
            self._main = MainWindow(self._application, self.texts, self.helper, self, self._menu())
            self._main.window.connect("close-request", lambda _: self._main_closed())
        self._main.window.present()
        return self._main

    def _main_closed(self) -> bool:
        self._main = None
        return False

    def _menu(self) -> Gio.Menu:
        menu = Gio.Menu()
        for action, words in (
            ("app.new", "act_new"),
            ("app.import", "act_import"),
            ("app.preferences", "act_preferences"),
            ("app.about", "act_about"),
            ("app.quit", "menu_quit"),
        ):
            menu.append(self.texts(words), action)
        return menu

    def details(self, path: str) -> None:
        """The status of a connection, in front."""
        if path not in self._details:
            parts = self._application, self.texts, self.helper, path, self.disconnect, self._details_closed
            self._details[path] = Details(*parts)
        self._details[path].window.present()

    def _details_closed(self, path: str) -> None:
        del self._details[path]

    def edit(self, path: str) -> None:
        """Its settings, and which secrets are kept, as they are now."""

        async def read(client: HelperClient) -> tuple[ConnectionSettings, list[str]]:
            return await client.settings(path), list((await client.status(path))["saved_secrets"])

        def show(found: tuple[ConnectionSettings, list[str]]) -> None:
            SettingsEditor(self._application, self.texts, *found, Editing(self.helper, path)).window.present()

        self._application.hold()
        self.helper.ask(read, show, self._tell, self._application.release)

    def new(self) -> None:
        """A connection that is not there yet."""
        SettingsEditor(self._application, self.texts, None, [], Editing(self.helper)).window.present()

    def preferences(self) -> None:
        """What counts for all connections, in front."""
        if self._preferences is None:
            parts = self._application, self.texts, self.helper, self._link.reload
            self._preferences = PreferencesWindow(*parts)
            self._preferences.window.connect("close-request", lambda _: self._preferences_closed())
        self._preferences.window.present()

    def _preferences_closed(self) -> bool:
        self._preferences = None
        return False

    def about(self) -> None:
        """Who we are."""
        window = Adw.AboutWindow(
            transient_for=self._application.get_active_window(),
            application_name="Tsunagu",
            application_icon=ICON_NAME,
            version=__version__,
            license_type=Gtk.License.APACHE_2_0,
        )
        window.present()

    def quit(self) -> None:
        """Close all windows; connections stay as they are."""
        for window in self._application.get_windows():
            window.close()

    # -- deeds --------------------------------------------------------------------------------------------------------

    def connect(self, path: str) -> None:
        """Begin to connect."""
        self._attempts.clicked(path)
        self.retry(path)

    def retry(self, path: str) -> None:
        """Try again now."""
        self._link.expect(path)
        self.helper.ask(lambda client: client.connect(path), failed=self._tell)

    def disconnect(self, path: str) -> None:
        """End it."""
        self.helper.ask(lambda client: client.disconnect(path), failed=self._tell)

    def dismiss(self, path: str) -> None:
        """Its progress or error has been seen."""
        self._attempts.dismissed(path)
        self._show_attempts()

    def hide(self, path: str, hidden: bool) -> None:
        """Whether to show its errors for the rest of this run; takes effect with the next one."""
        self._attempts.hide(path, hidden)

    def history(self, path: str, window: Gtk.Window) -> None:
        """What happened to it."""
        view_history(window, self.texts, self.helper, path)

    def _tell(self, error: VpnError) -> None:
        self.show_main().tell(error)


def _settings_of(path: str) -> Callable[[HelperClient], Coroutine[Any, Any, ConnectionSettings]]:
    return lambda client: client.settings(path)


if __name__ == "__main__":
    sys.exit(main())
