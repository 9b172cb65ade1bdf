"""The preferences: what counts for all connections.  Each change counts at once."""

import os
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from tsunagu.errors import VpnError
from tsunagu_tray.autostart import Autostart
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.preferences import Click, IconStyle, Notifications, preferences_file
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.authorities import AuthoritiesGroup
from tsunagu_tray.windows.helper_thread import HelperThread
from tsunagu_tray.windows.messages import tell_error
from tsunagu_tray.windows.toolkit import ICON_NAME, Adw, Gtk, choice_row, on_key


class PreferencesWindow:
    """Up to date whenever ``refresh`` was called after a change; ``changed`` is called after one that was made here."""

    def __init__(
        self, application: Adw.Application, texts: Texts, helper: HelperThread, changed: Callable[[], None]
    ) -> None:
        self._texts = texts
        self._helper = helper
        self._tell_others = changed
        self._file = preferences_file(os.environ)
        self._autostart = Autostart(os.environ)
        self._is_showing = False  # what is there, which is no change by a person
        self._connections: list[str] = []  # ids, as in the list of those that a click can be for
        self._start_rows: dict[str, tuple[Adw.ActionRow, Gtk.Switch]] = {}
        self.window = Adw.Window(
            application=application,
            title=texts("pref_title"),
            icon_name=ICON_NAME,
            default_width=520,
            default_height=600,
            width_request=320,
        )
        self._build()
        self.window.connect("notify::is-active", lambda *_: self.refresh())  # others may have changed the files
        self.refresh()

    # -- its parts ----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self._texts
        page = Adw.PreferencesPage()
        self._damage = Adw.ActionRow(title_lines=4)
        general = self._group(page, "pref_general", self._damage)
        self._at_login = Gtk.Switch(valign=Gtk.Align.CENTER)
        self._at_login.connect("notify::active", lambda *_: self._do(lambda: self._switch_autostart()))
        general.add(self._row("pref_autostart", self._at_login))
        self._combos: dict[str, tuple[Adw.ComboRow, list[Enum]]] = {}
        general.add(self._combo("notifications", Notifications))
        general.set_description(texts("pref_notifications_body"))
        self._click_connection = choice_row(texts("pref_click_connection"), [])
        self._click_connection.connect("notify::selected", lambda *_: self._do(self._choose_connection))
        parts = self._combo("icon", IconStyle), self._combo("click", Click), self._click_connection
        self._group(page, "pref_icon_group", *parts)
        self._at_start = self._group(page, "pref_start_group")
        self._at_start.set_description(texts("pref_start_body"))
        toasts = Adw.ToastOverlay(child=page)
        self._authorities = AuthoritiesGroup(self.window, toasts, texts, self._helper, self._failed)
        page.add(self._authorities.widget)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        for part in (Adw.HeaderBar(), toasts):
            content.append(part)
        self.window.set_content(content)
        on_key(self.window, "Escape", self.window.close)

    def _group(self, page: Adw.PreferencesPage, title: str, *rows: Gtk.Widget) -> Adw.PreferencesGroup:
        group = Adw.PreferencesGroup(title=self._texts(title))
        for row in rows:
            group.add(row)
        page.add(group)
        return group

    def _row(self, words: str, widget: Gtk.Widget) -> Adw.ActionRow:
        row = Adw.ActionRow(title=self._texts(words), title_lines=3)
        row.add_suffix(widget)
        row.set_activatable_widget(widget)
        return row

    def _combo(self, field: str, kind: type[Enum]) -> Adw.ComboRow:
        options = [*kind]
        names = [self._texts(f"choice_{field}_{option.value}") for option in options]
        row = choice_row(self._texts(f"pref_{field}"), names)
        row.connect(
            "notify::selected",
            lambda *_: self._do(lambda: self._change(**{field: options[row.get_selected()]})),
        )
        self._combos[field] = row, options
        return row

    # -- what is there ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what is known now."""
        self._is_showing = True
        try:
            self._show()
        finally:
            self._is_showing = False

    def _show(self) -> None:
        chosen = self._file.read()
        self._damage.set_visible(bool(self._file.problem))
        self._damage.set_title(self._texts("pref_damaged", file=self._file.path))
        self._at_login.set_active(self._autostart.is_on)
        for field, (row, options) in self._combos.items():
            row.set_selected(options.index(getattr(chosen, field)))
        views = sorted(self._helper.views.values(), key=lambda view: (view.name.casefold(), view.id))
        self._show_connections(views, chosen.click_connection)
        self._show_starts(views)
        if self._helper.is_known:
            self._authorities.refresh()

    def _show_connections(self, views: Sequence[ConnectionView], chosen: str) -> None:
        names = [self._texts("pref_click_last"), *(view.name for view in views)]
        model = self._click_connection.get_model()
        if model is None or [model.get_string(place) for place in range(model.get_n_items())] != names:
            self._click_connection.set_model(Gtk.StringList.new(names))
        self._connections = ["", *(view.id for view in views)]
        self._click_connection.set_selected(self._connections.index(chosen) if chosen in self._connections else 0)
        self._click_connection.set_sensitive(self._file.values.click is Click.CONNECT)

    def _show_starts(self, views: Sequence[ConnectionView]) -> None:
        for path in self._start_rows.keys() - {view.path for view in views}:
            self._at_start.remove(self._start_rows.pop(path)[0])
        for view in views:
            if view.path not in self._start_rows:
                self._start_rows[view.path] = self._start_row(view.path)
            row, switch = self._start_rows[view.path]
            row.set_title(view.name)
            switch.set_active(view.connect_at_start)
        self._at_start.set_visible(bool(views))

    def _start_row(self, path: str) -> tuple[Adw.ActionRow, Gtk.Switch]:
        switch = Gtk.Switch(valign=Gtk.Align.CENTER)
        switch.connect("notify::active", lambda *_: self._do(lambda: self._switch_start(path, switch.get_active())))
        row = Adw.ActionRow(title_lines=3, use_markup=False)
        row.add_suffix(switch)
        row.set_activatable_widget(switch)
        self._at_start.add(row)
        return row, switch

    # -- changes ------------------------------------------------------------------------------------------------------

    def _do(self, change: Callable[[], None]) -> None:
        """What a person did; what is only shown changes nothing."""
        if self._is_showing:
            return
        try:
            change()
        except VpnError as error:
            self._failed(error)

    def _failed(self, error: VpnError) -> None:
        tell_error(self.window, self._texts, error)
        self.refresh()

    def _change(self, **changes: Any) -> None:
        self._file.read()
        self._file.change(**changes)
        self._tell_others()
        self.refresh()

    def _choose_connection(self) -> None:
        self._change(click_connection=self._connections[self._click_connection.get_selected()])

    def _switch_autostart(self) -> None:
        self._autostart.switch(self._at_login.get_active())

    def _switch_start(self, path: str, wanted: bool) -> None:
        self._helper.ask(lambda client: client.set_at_start(path, wanted), failed=self._failed)
