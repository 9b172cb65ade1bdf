"""A window to read and copy from: titles, values and what they mean; a certificate can be saved to a file."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from tsunagu.errors import VpnError
from tsunagu_tray.certificate import grouped, read, rows
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.files import save_file
from tsunagu_tray.windows.messages import tell_error
from tsunagu_tray.windows.toolkit import ICON_NAME, Adw, Gtk, facts, on_key

Line = tuple[str, str, str]  # title, value, meaning


def view(parent: Gtk.Window, title: str, lines: Iterable[Line], *buttons: Gtk.Widget) -> Adw.Window:
    """Show them in a window of their own."""
    window = Adw.Window(
        transient_for=parent,
        title=title,
        icon_name=ICON_NAME,
        accessible_role=Gtk.AccessibleRole.WINDOW,
        default_width=520,
        default_height=560,
        width_request=320,
    )
    header = Adw.HeaderBar()
    for button in buttons:
        header.pack_start(button)
    box = facts(lines)
    box.set_valign(Gtk.Align.START)
    clamp = Adw.Clamp(child=box, maximum_size=640)
    for side in ("top", "bottom", "start", "end"):
        getattr(clamp, f"set_margin_{side}")(18)
    content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    content.append(header)
    scrolled = Gtk.ScrolledWindow(child=clamp, hscrollbar_policy=Gtk.PolicyType.NEVER, vexpand=True)
    content.append(scrolled)
    window.set_content(content)
    on_key(window, "Escape", window.close)
    window.set_focus(scrolled)  # else the first value has it, and is selected
    window.present()
    return window


def view_certificate(parent: Gtk.Window, title: str, certificate: str, texts: Texts) -> None:
    """A certificate (DER in base64) as a person can judge it (S47, S48)."""
    der = base64.b64decode(certificate)
    try:
        shown = read(der)
    except ValueError:
        view(parent, title, [(texts("certificate_unreadable"), "", "")])
        return
    lines = [(name, value, "") for name, value in rows(shown, texts, datetime.now(UTC))]
    lines.append((texts("certificate_fingerprint"), "\n".join(grouped(shown.sha256)), ""))
    save = Gtk.Button(label=texts("view_save"), use_underline=True)
    window = view(parent, title, lines, save)

    def failed(error: VpnError) -> None:
        tell_error(window, texts, error)

    def clicked(_button: Gtk.Button) -> None:
        pem = load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        save_file(window, title, "certificate.pem", pem, failed)

    save.connect("clicked", clicked)
