"""The certificate authorities of one's own, a group of the preferences: which there are, one more, one less."""

from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding

from tsunagu.errors import VpnError
from tsunagu_tray.certificate import Certificate, read
from tsunagu_tray.identity import read_certificates
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.files import choose_file
from tsunagu_tray.windows.helper_thread import HelperThread
from tsunagu_tray.windows.toolkit import Adw, GLib, Gtk, name_for_readers


class AuthoritiesGroup:
    """``widget`` shows them as they were when ``refresh`` was called, or changed here; errors go to ``failed``."""

    def __init__(
        self,
        window: Gtk.Window,
        toasts: Adw.ToastOverlay,
        texts: Texts,
        helper: HelperThread,
        failed: Callable[[VpnError], None],
    ) -> None:
        self._window = window
        self._toasts = toasts
        self._texts = texts
        self._helper = helper
        self._failed = failed
        self._shown = ""  # PEM
        self._rows: list[Adw.ActionRow] = []
        self.widget = Adw.PreferencesGroup(
            title=texts("pref_authorities_group"), description=texts("pref_authorities_body")
        )
        choose = Gtk.Button(label=texts("set_choose_file"), use_underline=True, valign=Gtk.Align.CENTER)
        choose.connect("clicked", lambda _: self._choose())
        add = Adw.ActionRow(title=texts("pref_authorities_add"), activatable_widget=choose, title_lines=3)
        add.add_suffix(choose)
        self.widget.add(add)

    def refresh(self) -> None:
        """Ask the helper."""
        self._helper.ask(lambda client: client.authorities(), self._show)

    def _show(self, pem: str) -> None:
        if pem == self._shown:
            return
        self._shown = pem
        for row in self._rows:
            self.widget.remove(row)
        self._rows = []
        for certificate in read_certificates(pem.encode()) if pem else []:
            der, text = certificate.public_bytes(Encoding.DER), certificate.public_bytes(Encoding.PEM).decode()
            row = self._row(read(der), text)
            self._rows.append(row)
            self.widget.add(row)

    def _row(self, shown: Certificate, pem: str) -> Adw.ActionRow:
        title = self._texts("pref_authority_until", date=f"{shown.end:%Y-%m-%d}", fingerprint=shown.sha256)
        row = Adw.ActionRow(title=shown.subject, subtitle=title, title_lines=3, subtitle_lines=4, use_markup=False)
        remove = Gtk.Button(icon_name="user-trash-symbolic", valign=Gtk.Align.CENTER)
        remove.set_tooltip_text(self._texts("pref_authority_remove", name=shown.subject))
        name_for_readers(remove, self._texts("pref_authority_remove", name=shown.subject))
        remove.add_css_class("flat")
        remove.connect("clicked", lambda _: self._remove(shown, pem))
        row.add_suffix(remove)
        return row

    def _choose(self) -> None:
        choose_file(self._window, self._texts("pref_authorities_choose"), self._read, self._failed)

    def _read(self, data: bytes) -> None:
        try:
            found = read_certificates(data)
        except VpnError as error:
            self._failed(error)
        else:
            self._add("".join(one.public_bytes(Encoding.PEM).decode() for one in found))

    def _add(self, pem: str) -> None:
        self._helper.ask(lambda client: client.add_authorities(pem), lambda _: self.refresh(), self._failed)

    def _remove(self, shown: Certificate, pem: str) -> None:
        def removed(_: None) -> None:
            self.refresh()
            title = GLib.markup_escape_text(self._texts("pref_authority_removed", name=shown.subject))
            toast = Adw.Toast(title=title, button_label=self._texts("list_undo"))
            toast.connect("button-clicked", lambda _: self._add(pem))
            self._toasts.add_toast(toast)

        self._helper.ask(lambda client: client.remove_authority(shown.sha256), removed, self._failed)
