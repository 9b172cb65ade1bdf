"""The main window: all connections with their states, and what can be done with them (S13-S19)."""

import base64
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tsunagu import account_file
from tsunagu.account_file import Account
from tsunagu.errors import InvalidSettings, VpnError
from tsunagu.model import AuthType, ConnectionSettings, Secret
from tsunagu_tray.client import HelperClient
from tsunagu_tray.list_model import Row, copy_name, matches, opens_details, rows
from tsunagu_tray.memory import Memory, WindowSize
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import Kind
from tsunagu_tray.windows.connection_row import ConnectionRow
from tsunagu_tray.windows.files import choose_file, read_file, save_file
from tsunagu_tray.windows.helper_thread import HelperThread
from tsunagu_tray.windows.messages import ask_text, tell_error
from tsunagu_tray.windows.password_change import PasswordChange
from tsunagu_tray.windows.pictures import texture
from tsunagu_tray.windows.toolkit import ICON_NAME, Adw, Gdk, Gio, GLib, Gtk, name_for_readers

EMPTY_SIZE = 128  # px, of the picture in an empty list
UNDO_S = 6  # a deleted connection can be had back that long

# action, key, key of its words in the menu; all act on the selected connection
ROW_ACTIONS = (
    ("connect", "", "act_connect"),
    ("disconnect", "", "act_disconnect"),
    ("details", "<Alt>Return", "act_details"),
    ("edit", "<Control>e", "act_edit"),
    ("duplicate", "<Control>d", "act_duplicate"),
    ("rename", "F2", "act_rename"),
    ("passwd", "", "act_passwd"),
    ("export", "", "act_export"),
    ("delete", "Delete", "act_delete"),
)
MENU_SECTIONS = (("connect", "disconnect", "details"), ("edit", "duplicate", "rename", "passwd", "export"), ("delete",))


class Deeds(Protocol):
    """What the application does for the list."""

    def connect(self, path: str) -> None: ...
    def disconnect(self, path: str) -> None: ...
    def details(self, path: str) -> None: ...
    def edit(self, path: str) -> None: ...


class MainWindow:
    """Up to date whenever ``refresh`` was called after a change."""

    def __init__(
        self, application: Adw.Application, texts: Texts, helper: HelperThread, deeds: Deeds, menu: Gio.MenuModel
    ) -> None:
        self._texts = texts
        self._helper = helper
        self._deeds = deeds
        self._memory = Memory(os.environ, "window", WindowSize())
        self._lines: dict[str, ConnectionRow] = {}
        self._deleted: dict[str, Adw.Toast] = {}  # may still be undone
        self._page = ""
        size = self._memory.values
        self.window = Adw.ApplicationWindow(
            application=application,
            title="Tsunagu",
            icon_name=ICON_NAME,
            default_width=size.width,
            default_height=size.height,
            width_request=320,
            height_request=240,
        )
        self._build(menu)
        self._add_actions(application)
        self.window.connect("close-request", self._closing)
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now."""
        shown = rows(self._helper.views.values(), self._texts, self._deleted)
        for path in self._lines.keys() - {row.path for row in shown}:
            self._list.remove(self._lines.pop(path).widget)
        for row in shown:
            if line := self._lines.get(row.path):
                if line.row != row:
                    line.show(row)
            else:
                line = self._lines[row.path] = ConnectionRow(
                    row, self._texts, self._row_menu, self._press, self._select
                )
                self._list.append(line.widget)
            line.widget.set_visible(matches(row, self._search_words))  # a filter would hide it from eyes only
        self._list.invalidate_sort()
        if self._search_words and self._selected is None and (found := self._shown()):
            self._list.select_row(found[0])
        self._choose_page()
        self._enable_actions()

    # -- its parts ----------------------------------------------------------------------------------------------------

    def _build(self, menu: Gio.MenuModel) -> None:
        texts = self._texts
        header = Adw.HeaderBar()
        new = Gtk.Button(icon_name="list-add-symbolic", action_name="app.new", tooltip_text=texts("list_new"))
        search = Gtk.ToggleButton(icon_name="system-search-symbolic", tooltip_text=texts("list_search"))
        main = Gtk.MenuButton(icon_name="open-menu-symbolic", menu_model=menu, primary=True)
        main.set_tooltip_text(texts("list_main_menu"))
        for button, name in ((new, "list_new"), (search, "list_search"), (main, "list_main_menu")):
            name_for_readers(button, texts(name))
        header.pack_start(new)
        header.pack_end(main)
        header.pack_end(search)

        self._search = Gtk.SearchEntry(hexpand=True, placeholder_text=texts("list_search"))
        name_for_readers(self._search, texts("list_search"))
        self._search.connect("search-changed", lambda _: self.refresh())
        bar = Gtk.SearchBar(child=Adw.Clamp(child=self._search, maximum_size=500), key_capture_widget=self.window)
        bar.connect_entry(self._search)
        search.bind_property("active", bar, "search-mode-enabled", _TWO_WAYS)
        self._bar = bar

        self._row_menu = _menu_of(texts)
        self._list = Gtk.ListBox(activate_on_single_click=False, valign=Gtk.Align.START)
        self._list.add_css_class("boxed-list")
        name_for_readers(self._list, texts("list_name"))
        self._list.set_sort_func(lambda one, other: _compare(self._row_of(one), self._row_of(other)))
        self._list.connect("row-activated", lambda _list, row: self._activated(self._row_of(row)))
        self._list.connect("row-selected", lambda *_: self._enable_actions())
        clamp = Adw.Clamp(child=self._list, maximum_size=720, tightening_threshold=560)
        for side in ("top", "bottom", "start", "end"):
            getattr(clamp, f"set_margin_{side}")(12)

        create = Gtk.Button(
            label=texts("list_create_first"), use_underline=True, action_name="app.new", halign=Gtk.Align.CENTER
        )
        start = Gtk.Button(label=texts("list_start_service"), use_underline=True, halign=Gtk.Align.CENTER)
        start.connect("clicked", lambda _: self._do(lambda client: client.activate()))
        for button in (create, start):
            button.add_css_class("pill")
            button.add_css_class("suggested-action")
        self._pages = Gtk.Stack(vexpand=True, transition_type=Gtk.StackTransitionType.CROSSFADE)
        self._pages.add_named(Gtk.ScrolledWindow(child=clamp, hscrollbar_policy=Gtk.PolicyType.NEVER), "list")
        self._pages.add_named(Gtk.Box(), "loading")
        empty = _page("", texts("list_empty_title"), texts("list_empty_body"), create)
        empty.set_paintable(texture(Kind.CONNECTED, EMPTY_SIZE))
        self._pages.add_named(empty, "empty")
        self._pages.add_named(
            _page("system-search-symbolic", texts("list_nothing_found_title"), texts("list_nothing_found_body")), "none"
        )
        self._pages.add_named(
            _page("dialog-warning-symbolic", texts("service_unavailable"), texts("list_no_service_body"), start), "away"
        )
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        for part in (header, bar, self._pages):
            content.append(part)
        self._toasts = Adw.ToastOverlay(child=content)
        drop = Gtk.DropTarget.new(Gdk.FileList, Gdk.DragAction.COPY)
        drop.connect("drop", lambda _target, files, _x, _y: self._dropped(files))
        self._toasts.add_controller(drop)
        self.window.set_content(self._toasts)

    def _add_actions(self, application: Adw.Application) -> None:
        self._actions: dict[str, Gio.SimpleAction] = {}
        deeds: dict[str, Callable[[str], None]] = {
            "connect": self._deeds.connect,
            "disconnect": self._deeds.disconnect,
            "details": self._deeds.details,
            "edit": self._deeds.edit,
            "duplicate": self._duplicate,
            "rename": self._rename,
            "passwd": self._change_password,
            "export": self._export,
            "delete": self._delete,
        }
        for name, key, _words in ROW_ACTIONS:
            action = Gio.SimpleAction(name=name)
            action.connect("activate", lambda _action, _parameter, deed=deeds[name]: self._with_selected(deed))
            self.window.add_action(action)
            self._actions[name] = action
            if key:
                application.set_accels_for_action(f"win.{name}", [key])
        for name, keys, deed in (
            ("search", "<Control>f", lambda: self._bar.set_search_mode(not self._bar.get_search_mode())),
            ("undo", "<Control>z", self._undo_last),
        ):
            action = Gio.SimpleAction(name=name)
            action.connect("activate", lambda *_, deed=deed: deed())
            self.window.add_action(action)
            application.set_accels_for_action(f"win.{name}", [keys])

    def _choose_page(self) -> None:
        if not self._helper.available:
            page = "away"
        elif not self._helper.is_known:
            page = "loading"
        elif not self._lines:
            page = "empty"
        elif not any(line.widget.get_visible() for line in self._lines.values()):
            page = "none"
        else:
            page = "list"
        before, self._page = self._page, page
        self._pages.set_visible_child_name(page)
        if page == "list" and before not in ("list", "none"):
            GLib.idle_add(self._focus, 0, priority=GLib.PRIORITY_LOW)  # once the list is on the screen

    @property
    def _search_words(self) -> str:
        return str(self._search.get_text()) if self._bar.get_search_mode() else ""

    # -- the selected connection --------------------------------------------------------------------------------------

    def _row_of(self, widget: Gtk.ListBoxRow) -> Row:
        return next(line.row for line in self._lines.values() if line.widget == widget)

    @property
    def _selected(self) -> Row | None:
        widget = self._list.get_selected_row()
        return self._row_of(widget) if widget and widget.get_visible() else None

    def _with_selected(self, deed: Callable[[str], None]) -> None:
        if row := self._selected:
            deed(row.path)

    def _select(self, line: ConnectionRow) -> None:
        self._list.select_row(line.widget)

    def _focus(self, index: int) -> bool:
        """Have keys act on the connection at that place, or on the last one."""
        if shown := self._shown():
            row = shown[min(index, len(shown) - 1)]
            self._list.select_row(row)
            row.grab_focus()
        return bool(GLib.SOURCE_REMOVE)

    def _shown(self) -> list[Gtk.ListBoxRow]:
        rows = [self._list.get_row_at_index(number) for number in range(len(self._lines))]
        return [row for row in rows if row.get_visible()]

    def _enable_actions(self) -> None:
        row = self._selected
        for name, action in self._actions.items():
            match name:
                case "connect" | "delete":
                    enabled = row is not None and not row.is_active
                case "disconnect" | "details":
                    enabled = row is not None and row.is_active
                case _:
                    enabled = row is not None
            action.set_enabled(enabled)

    def _press(self, path: str) -> None:
        if view := self._helper.views.get(path):
            (self._deeds.disconnect if view.is_active else self._deeds.connect)(path)

    def _activated(self, row: Row) -> None:
        if view := self._helper.views.get(row.path):
            (self._deeds.details if opens_details(view) else self._deeds.connect)(row.path)

    # -- what is done to it here --------------------------------------------------------------------------------------

    def _do(self, work: object) -> None:
        self._helper.ask(work, failed=self.tell)  # type: ignore[arg-type]  # any coroutine of the client

    def tell(self, error: VpnError) -> None:
        """What went wrong with what was just asked for."""
        tell_error(self.window, self._texts, error)

    def _duplicate(self, path: str) -> None:
        taken = [view.name for view in self._helper.views.values()]
        name = copy_name(self._helper.views[path].name, taken)
        self._helper.ask(lambda client: client.duplicate(path, name), failed=self.tell)

    def _rename(self, path: str) -> None:
        name = self._helper.views[path].name

        def renamed(new: str) -> None:
            self._helper.ask(lambda client: client.rename(path, new), failed=self.tell)

        ask_text(
            self.window,
            heading=self._texts("rename_heading", name=name),
            label=self._texts("rename_label"),
            value=name,
            button=self._texts("window_rename"),
            cancel=self._texts("window_cancel"),
            then=renamed,
        )

    def _change_password(self, path: str) -> None:
        """On the server; only a standard password is one's own to change."""

        def change(old: Secret, new: Secret, done: Callable[[], None], failed: Callable[[VpnError], None]) -> None:
            def changed(_: None) -> None:
                done()
                self._toasts.add_toast(Adw.Toast(title=self._texts("passwd_done")))

            self._helper.ask(lambda client: client.change_password(path, old, new), changed, failed)

        def show(settings: ConnectionSettings) -> None:
            if settings.auth is not AuthType.PASSWORD:
                self.tell(
                    InvalidSettings(
                        "Only a standard password can be changed here; "
                        "its administrator, or the domain's, changes any other"
                    )
                )
            elif view := self._helper.views.get(path):
                PasswordChange(self.window, self._texts, view, change).window.present()

        self._helper.ask(lambda client: client.settings(path), show, self.tell)

    def import_chosen(self) -> None:
        """Take over an exported connection from a file."""
        choose_file(self.window, self._texts("import_title"), self.import_data, self.tell)

    def import_file(self, path: Path) -> None:
        """Take it over from this one."""
        read_file(path, self.import_data, self.tell)

    def import_data(self, data: bytes) -> None:
        """Save the connection that an exported file has, with its secrets, under a free name."""
        try:
            account = account_file.parse(data)
        except VpnError as error:
            self.tell(error)
            return
        taken = [view.name for view in self._helper.views.values()]
        settings = account.settings
        if settings.name.casefold() in (name.casefold() for name in taken):
            settings = replace(settings, name=copy_name(settings.name, taken))
        secrets = {name: Secret(getattr(account.secrets, name).value) for name in account.secrets.names()}
        toast = Adw.Toast(title=GLib.markup_escape_text(self._texts("import_done", name=settings.name)))
        self._helper.ask(
            lambda client: client.add(settings, secrets), lambda _: self._toasts.add_toast(toast), self.tell
        )

    def _export(self, path: str) -> None:
        """Without secrets: a file is easily passed on."""
        name = self._helper.views[path].name

        async def read(client: HelperClient) -> bytes:
            settings, shown = await client.settings(path), base64.b64decode(await client.certificate(path))
            return account_file.serialise(Account(settings=settings), server_certificate=shown)

        def save(data: bytes) -> None:
            save_file(self.window, self._texts("export_title"), f"{name.replace('/', '-')}.vpn", data, self.tell)

        self._helper.ask(read, save, self.tell)

    def _dropped(self, files: Gdk.FileList) -> bool:
        for file in files.get_files():
            if path := file.get_path():
                self.import_file(Path(path))
        return True

    def _delete(self, path: str) -> None:
        """Out of sight at once; gone when it can no longer be undone, so that its secrets survive an Undo."""
        toast = Adw.Toast(
            title=GLib.markup_escape_text(self._texts("list_deleted", name=self._helper.views[path].name)),
            button_label=self._texts("list_undo"),
            timeout=UNDO_S,
        )
        toast.connect("button-clicked", lambda _: self._undo(path))
        toast.connect("dismissed", lambda _: self._delete_now(path))
        index = self._lines[path].widget.get_index()
        self._deleted[path] = toast
        self._toasts.add_toast(toast)
        self.refresh()
        self._focus(index)

    def _undo(self, path: str) -> None:
        if toast := self._deleted.pop(path, None):
            toast.dismiss()
            self.refresh()
            self._focus(self._lines[path].widget.get_index())

    def _undo_last(self) -> None:
        if self._deleted:
            self._undo([*self._deleted][-1])

    def _delete_now(self, path: str) -> None:
        if self._deleted.pop(path, None):
            self._helper.ask(lambda client: client.remove(path), lambda _: self.refresh(), self.tell)

    def _closing(self, _window: Adw.ApplicationWindow) -> bool:
        for path in [*self._deleted]:
            self._delete_now(path)
        if not self.window.is_maximized():
            width, height = self.window.get_default_size()
            self._memory.remember(width=width, height=height)
        return False


_TWO_WAYS = 1  # GObject.BindingFlags.BIDIRECTIONAL


def _menu_of(texts: Texts) -> Gio.Menu:
    words = {name: text for name, _key, text in ROW_ACTIONS}
    menu = Gio.Menu()
    for names in MENU_SECTIONS:
        section = Gio.Menu()
        for name in names:
            section.append(texts(words[name]), f"win.{name}")
        menu.append_section(None, section)
    return menu


def _compare(one: Row, other: Row) -> int:
    keys = [(row.name.casefold(), row.path) for row in (one, other)]
    return (keys[0] > keys[1]) - (keys[0] < keys[1])


def _page(icon: str, title: str, body: str, *parts: Gtk.Widget) -> Adw.StatusPage:
    page = Adw.StatusPage(icon_name=icon, title=title, description=body)
    for part in parts:
        page.set_child(part)
    return page
