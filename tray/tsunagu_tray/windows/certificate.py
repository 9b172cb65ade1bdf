"""The certificate window: a ``CertificateQuestion`` on stdin, ``{"verdict": …}`` on stdout, nothing for no."""

import base64
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tsunagu_tray.certificate import grouped, read, rows, why_asked
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.toolkit import scrolling
from tsunagu_tray.windows.window import CONTENT_WIDTH, Adw, Gtk, Window, facts, label


def build(window: Window) -> Adw.MessageDialog:
    """The dialog for the window's question."""

    def answered(verdict: str) -> None:
        if verdict in ("once", "pin"):
            window.answer({"verdict": verdict})
        else:
            window.cancel()

    return certificate_dialog(window.question, window.texts, answered)


def certificate_dialog(question: Mapping[str, Any], texts: Texts, answered: Callable[[str], None]) -> Adw.MessageDialog:
    """The dialog; ``answered`` gets ``once``, ``pin``, or anything else for no."""
    changed = question["changed"]
    heading = texts("certificate_changed_heading" if changed else "certificate_heading")
    dialog = Adw.MessageDialog(heading=heading)
    dialog.add_response("cancel", texts("window_cancel"))
    dialog.add_response("once", texts("window_trust_once"))
    dialog.add_response("pin", texts("window_trust_always"))
    dialog.set_close_response("cancel")
    dialog.set_default_response("cancel")  # a careless Enter trusts nobody
    dialog.set_response_appearance(
        "pin", Adw.ResponseAppearance.DESTRUCTIVE if changed else Adw.ResponseAppearance.SUGGESTED
    )

    content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, width_request=CONTENT_WIDTH)
    why = texts(why_asked(question["code"], changed=changed), server=question["server"])
    content.append(label(why, *(["alarm"] if changed else [])))
    try:
        shown = read(base64.b64decode(question["der"]))
    except ValueError:
        content.append(label(texts("certificate_unreadable"), "alarm"))
        fingerprint = question["sha256"]
    else:
        content.append(facts(rows(shown, texts, datetime.now(UTC))))
        fingerprint = shown.sha256
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
    box.append(label(texts("certificate_fingerprint"), "dim-label", "caption"))
    box.append(label("\n".join(grouped(fingerprint)), "fingerprint", selectable=True))
    content.append(box)
    dialog.set_extra_child(scrolling(content))
    dialog.connect("response", lambda _dialog, response: answered(response))
    return dialog


if __name__ == "__main__":
    sys.exit(Window(build).run())
