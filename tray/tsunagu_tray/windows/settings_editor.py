"""The settings editor: the rows of ``settings_table``, the basic ones first, the others on a page of their own."""

from collections.abc import Callable
from typing import Any

from tsunagu.errors import InvalidSettings, VpnError
from tsunagu.model import AuthType, ConnectionSettings, Proxy, Secret
from tsunagu_tray.identity import Identity, PassphraseNeeded, read_identity
from tsunagu_tray.settings_table import (
    TABLE,
    Setting,
    Widget,
    assumed,
    is_complete,
    lines,
    problem,
    secrets_of,
    settings_of,
    values_of,
)
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.editing import Editing
from tsunagu_tray.windows.field import Field, Paragraphs
from tsunagu_tray.windows.files import choose_file
from tsunagu_tray.windows.hub_chooser import HubChooser
from tsunagu_tray.windows.messages import ask_text, tell_error
from tsunagu_tray.windows.toolkit import ICON_NAME, Adw, GLib, Gtk, choice_row, label, on_key, show_focus
from tsunagu_tray.windows.trial import Trial


class SettingsEditor:
    """For saved settings, or for a new connection (``saved`` None); ``secrets``: names of those that are kept."""

    def __init__(
        self,
        application: Adw.Application,
        texts: Texts,
        saved: ConnectionSettings | None,
        secrets: list[str],
        editing: Editing,
    ) -> None:
        self._texts = texts
        self._saved = saved
        self._secrets = secrets
        self._editing = editing
        self._values = values_of(saved)
        self._touched: set[str] = set()
        self._identity: Identity | None = None
        self._rows: dict[str, Gtk.Widget] = {}
        self._entries: dict[str, Gtk.Editable] = {}  # in those that a line is typed into
        self._marks: dict[str, Gtk.Widget] = {}  # what of a row turns red when it is wrong; else all of it
        self._groups: dict[tuple[bool, str], Adw.PreferencesGroup] = {}
        title = texts("set_title", name=saved.name) if saved else texts("set_new_title")
        self.window = Adw.Window(
            application=application,
            title=title,
            icon_name=ICON_NAME,
            accessible_role=Gtk.AccessibleRole.WINDOW,  # else it is none while a row has the focus
            default_width=560,
            default_height=640,
            width_request=320,
        )
        self._build()
        self._refresh()
        self._entries["name"].grab_focus()

    # -- its parts ----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self._texts
        pages = Adw.ViewStack(vexpand=True)
        for advanced, key, icon in (
            (False, "set_basic", "document-properties-symbolic"),
            (True, "set_advanced", "preferences-system-symbolic"),
        ):
            page = Adw.PreferencesPage()
            for setting in TABLE:
                if setting.advanced is advanced:
                    self._group(page, setting).add(self._row(setting))
            pages.add_titled_with_icon(page, key, texts(key), icon)
        self._groups[True, "group_proxy"].add(self._system_proxy_row())
        switcher = Adw.ViewSwitcher(stack=pages, policy=Adw.ViewSwitcherPolicy.WIDE)
        header = Adw.HeaderBar(title_widget=switcher, show_start_title_buttons=False, show_end_title_buttons=False)
        cancel = Gtk.Button(label=texts("window_cancel"), use_underline=True)
        cancel.connect("clicked", lambda _: self.window.close())
        self._button = Gtk.Button(label=texts("set_save"), use_underline=True)
        self._button.add_css_class("suggested-action")
        self._button.connect("clicked", lambda _: self._saving())
        header.pack_start(cancel)
        header.pack_end(self._button)
        self._complaint = label("", "warn")
        self._revealer = Gtk.Revealer(child=self._complaint, transition_type=Gtk.RevealerTransitionType.SLIDE_UP)
        self._revealer.connect("notify::child-revealed", lambda *_: GLib.idle_add(show_focus, self.window))
        for side in ("start", "end", "bottom"):
            getattr(self._complaint, f"set_margin_{side}")(12)
        self._trial = Trial(self.window, texts, self, self._secrets, self._editing.try_log_in)
        for side in ("top", "bottom", "start", "end"):
            getattr(self._trial.widget, f"set_margin_{side}")(6)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        for part in (header, pages, self._revealer, Gtk.Separator(), self._trial.widget):
            content.append(part)
        self.window.set_content(content)
        on_key(self.window, "Escape", self.window.close)
        on_key(self.window, "<Control>s", self._saving)

    def _group(self, page: Adw.PreferencesPage, setting: Setting) -> Adw.PreferencesGroup:
        key = (setting.advanced, setting.group)
        if key not in self._groups:
            group = self._groups[key] = Adw.PreferencesGroup(title=self._texts(setting.group))
            page.add(group)
        return self._groups[key]

    def _row(self, setting: Setting) -> Gtk.Widget:
        name, value = self._texts(setting.words), self._values[setting.field]
        makers: dict[Widget, Callable[[Setting, str, Any], Gtk.Widget]] = {
            Widget.TEXT: self._text_row,
            Widget.LINES: self._lines_row,
            Widget.PARAGRAPHS: self._paragraphs_row,
            Widget.SECRET: self._secret_row,
            Widget.NUMBER: self._number_row,
            Widget.SWITCH: self._switch_row,
            Widget.CHOICE: self._choice_row,
            Widget.IDENTITY: self._identity_row,
            Widget.HUB: self._hub_row,
        }
        row = self._rows[setting.field] = makers[setting.widget](setting, name, value)
        return row

    def _text_row(self, setting: Setting, name: str, value: str) -> Adw.PreferencesRow:
        return self._field(setting, Field(name, text=value), str.strip).row

    def _field(self, setting: Setting, field: Field, read: Callable[[str], Any] = str) -> Field:
        field.entry.connect("changed", lambda entry: self._changed(setting, read(entry.get_text())))
        field.entry.connect("activate", lambda _: self._saving())
        self._entries[setting.field] = self._marks[setting.field] = field.entry
        return field

    def _hub_row(self, setting: Setting, name: str, value: str) -> Adw.PreferencesRow:
        field = self._field(setting, Field(name, text=value), str.strip)
        field.add_suffix(HubChooser(self._texts, self._list_hubs, field.entry.set_text).widget)
        return field.row

    def _list_hubs(self, then: Callable[[list[str]], None], failed: Callable[[VpnError], None]) -> None:
        try:
            settings = settings_of(assumed(self._values), self._saved)
        except InvalidSettings as error:
            failed(error)
        else:
            self._editing.list_hubs(settings, self._typed_secrets(), then, failed)

    def _lines_row(self, setting: Setting, name: str, value: list[str]) -> Adw.PreferencesRow:
        return self._field(setting, Field(name, text=", ".join(value)), lines).row

    def _paragraphs_row(self, setting: Setting, name: str, value: str) -> Adw.PreferencesRow:
        typed = Paragraphs(name, value)
        typed.buffer.connect("changed", lambda _: self._changed(setting, typed.text))
        self._marks[setting.field] = typed.frame
        return typed.row

    def _secret_row(self, setting: Setting, name: str, _value: str) -> Adw.PreferencesRow:
        names = {setting.field, "hashed_password"} if setting.field == "password" else {setting.field}
        kept = not names.isdisjoint(self._secrets)
        title = self._texts("set_kept_secret", name=name) if kept else name
        return self._field(setting, Field(title, secret=True)).row

    def _number_row(self, setting: Setting, name: str, value: int) -> Adw.ActionRow:
        spin = Gtk.SpinButton.new_with_range(setting.low, max(setting.high, value), 1)
        spin.set_value(value)
        spin.set_valign(Gtk.Align.CENTER)
        spin.connect("value-changed", lambda _: self._changed(setting, spin.get_value_as_int()))
        return self._with_suffix(name, spin)

    def _switch_row(self, setting: Setting, name: str, value: bool) -> Adw.ActionRow:
        switch = Gtk.Switch(active=value, valign=Gtk.Align.CENTER)
        switch.connect("notify::active", lambda *_: self._changed(setting, switch.get_active()))
        return self._with_suffix(name, switch)

    def _with_suffix(self, name: str, widget: Gtk.Widget) -> Adw.ActionRow:
        row = Adw.ActionRow(title=name, title_lines=3)
        row.add_suffix(widget)
        row.set_activatable_widget(widget)  # which is called like the row, then
        return row

    def _choice_row(self, setting: Setting, name: str, value: str) -> Adw.ComboRow:
        names = [self._texts(setting.option_words(option)) for option in setting.options]
        row = choice_row(name, names, setting.options.index(value))
        row.connect("notify::selected", lambda *_: self._changed(setting, setting.options[row.get_selected()]))
        return row

    def _identity_row(self, setting: Setting, name: str, value: str) -> Adw.ActionRow:
        button = Gtk.Button(label=self._texts("set_choose_file"), use_underline=True, valign=Gtk.Align.CENTER)
        button.connect("clicked", lambda _: self._choose_identity(setting))
        row = self._with_suffix(name, button)
        row.set_subtitle(self._texts("set_has_certificate" if value else "set_no_certificate"))
        return row

    def _system_proxy_row(self) -> Adw.ActionRow:
        button = Gtk.Button(label=self._texts("set_take_over"), use_underline=True, valign=Gtk.Align.CENTER)
        button.connect(
            "clicked",
            lambda _: self._editing.find_proxy(self._values["host"], self._texts, self._take_over, self._tell),
        )
        return self._with_suffix(self._texts("set_system_proxy"), button)

    def _take_over(self, found: tuple[Proxy | None, Secret | None]) -> None:
        proxy, password = found
        kinds = next(row for row in TABLE if row.field == "proxy.kind").options
        self._rows["proxy.kind"].set_selected(kinds.index(proxy.kind.value if proxy else ""))
        if proxy:
            self._entries["proxy.host"].set_text(proxy.host)
            self._rows["proxy.port"].get_activatable_widget().set_value(proxy.port)
            self._entries["proxy.username"].set_text(proxy.username)
            self._entries["proxy_password"].set_text(password.value if password else "")

    # -- what is typed ------------------------------------------------------------------------------------------------

    def _changed(self, setting: Setting, value: Any) -> None:
        self._values[setting.field] = value
        self._touched.add(setting.field)
        self._refresh()

    def _refresh(self) -> None:
        found = problem(self._values, self._saved, self._touched)
        for setting in TABLE:
            row = self._rows[setting.field]
            row.set_visible(setting.shown(self._values))
            marked = self._marks.get(setting.field, row)
            if found and setting.field in found.fields:
                marked.add_css_class("error")
            else:
                marked.remove_css_class("error")
        for (advanced, name), group in self._groups.items():
            rows = [row for row in TABLE if row.advanced is advanced and row.group == name]
            group.set_visible(any(row.shown(self._values) for row in rows))
        if found:
            self._complaint.set_text(self._texts.say(found.sentence))
        self._revealer.set_reveal_child(found is not None)
        self._button.set_sensitive(is_complete(self._values, self._saved))
        can_be_tried = is_complete(self._values | {"name": "-"}, self._saved)
        self._trial.enable(can_be_tried and self._values["auth"] != AuthType.SMART_CARD.value)

    # -- certificate and key ------------------------------------------------------------------------------------------

    def _choose_identity(self, setting: Setting) -> None:
        title = self._texts("set_choose_certificate")
        choose_file(self.window, title, lambda data: self._read_identity(setting, data), self._tell)

    def _read_identity(self, setting: Setting, certificate: bytes, key: bytes = b"", passphrase: str = "") -> None:
        try:
            self._identity = read_identity(certificate, key, passphrase)
        except PassphraseNeeded:
            ask_text(
                self.window,
                heading=self._texts("set_passphrase"),
                label=self._texts("set_passphrase"),
                value="",
                button=self._texts("set_open"),
                cancel=self._texts("window_cancel"),
                then=lambda typed: self._read_identity(setting, certificate, key, typed),
                secret=True,
            )
        except InvalidSettings as error:
            if key or passphrase:
                self._tell(error)
            else:  # a certificate alone: its key lies in another file
                title = self._texts("set_choose_key")
                choose_file(
                    self.window, title, lambda data: self._read_identity(setting, certificate, data), self._tell
                )
        else:
            self._rows[setting.field].set_subtitle(self._texts("set_has_certificate"))
            self._changed(setting, self._identity.certificates)

    # -- trying it ----------------------------------------------------------------------------------------------------

    def to_try(self) -> tuple[ConnectionSettings, dict[str, Secret]]:
        """As it is typed now; the name does not matter."""
        return settings_of(assumed(self._values), self._saved), self._typed_secrets()

    def trust(self, fingerprint: str) -> None:
        """From the next saving on."""
        self._entries["server_fingerprint"].set_text(fingerprint)

    def _typed_secrets(self) -> dict[str, Secret]:
        secrets = {name: Secret(value) for name, value in secrets_of(self._values).items()}
        if self._identity and self._values["auth"] == AuthType.CERTIFICATE.value:
            secrets["private_key"] = self._identity.private_key
        return secrets

    # -- the end ------------------------------------------------------------------------------------------------------

    def _saving(self) -> None:
        if not is_complete(self._values, self._saved):
            return
        self._button.set_sensitive(False)
        settings = settings_of(self._values, self._saved)
        self._editing.save(settings, self._typed_secrets(), self.window.close, self._tell)

    def _tell(self, error: VpnError) -> None:
        self._refresh()
        tell_error(self.window, self._texts, error)
