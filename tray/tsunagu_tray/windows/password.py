"""The password window: a ``PasswordQuestion`` on stdin; ``{"secret": …, "save": …}`` on stdout, nothing for Cancel.

Where the question leaves them open, the answer has ``username`` and ``auth`` too.
"""

import sys

from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.toolkit import GLib, choice_row, reading_list, scrolling
from tsunagu_tray.windows.window import CONTENT_WIDTH, Adw, Gtk, Window, facts, label

HIGHEST = 520  # px, of what is above the buttons; its heading is short
KINDS = ("password", "plain-password")  # of authentication


def build(window: Window) -> Adw.MessageDialog:
    """The dialog for the window's question."""
    question, texts = window.question, window.texts
    of = "pin" if question["kind"] == "pin" else "password"
    dialog = Adw.MessageDialog(heading=texts(f"{question['kind']}_heading", name=question["name"]))
    dialog.add_response("cancel", texts("window_cancel"))
    dialog.add_response("connect", texts("window_connect"))
    dialog.set_response_appearance("connect", Adw.ResponseAppearance.SUGGESTED)
    dialog.set_response_enabled("connect", False)
    dialog.set_default_response("connect")
    dialog.set_close_response("cancel")

    content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, width_request=CONTENT_WIDTH)
    if question["again"]:
        content.append(label(texts(f"{question['kind']}_again"), "warn"))
    shown = {"server": "server", "hub": "hub"} | ({"user": "username"} if question["fixed"] else {})
    content.append(facts([(texts(f"{of}_{key}"), question[field]) for key, field in shown.items() if question[field]]))
    user = Gtk.Entry(text=question["username"], max_length=255, activates_default=True, hexpand=True)
    auth = choice_row(texts("password_auth"), [texts(f"choice_auth_{kind.replace('-', '_')}") for kind in KINDS])
    entry = Gtk.PasswordEntry(show_peek_icon=True, activates_default=True, hexpand=True)
    if not question["fixed"]:
        auth.set_selected(KINDS.index(question["auth"]))
        content.append(_captioned(texts("password_user_label"), user))
        auth.set_use_underline(True)
        kinds = reading_list()
        kinds.append(auth)
        content.append(kinds)
    typing = _captioned(texts(f"{of}_label"), entry)
    no_save = Gtk.CheckButton(label=texts("password_no_save"), use_underline=True, active=question["no_save"])
    if not question["save_forbidden"]:
        typing.append(no_save)
    if question["saved_in"]:
        typing.append(label(texts(f"password_saved_in_{question['saved_in']}"), "dim-label", "caption"))
    content.append(typing)
    content.append(_countdown(window, dialog, question["seconds_left"]))
    dialog.set_extra_child(scrolling(content, HIGHEST))
    dialog.set_focus(entry)

    def is_whole() -> bool:
        return bool(entry.get_text() and (question["fixed"] or user.get_text().strip()))

    for typed in (entry, user):
        typed.connect("changed", lambda _: dialog.set_response_enabled("connect", is_whole()))

    def responded(_dialog: Adw.MessageDialog, response: str) -> None:
        if response == "connect" and is_whole():
            save = not question["save_forbidden"] and not no_save.get_active()
            chosen = {"username": user.get_text().strip(), "auth": KINDS[auth.get_selected()]}
            window.answer({"secret": entry.get_text(), "save": save} | ({} if question["fixed"] else chosen))
        else:
            window.cancel()

    dialog.connect("response", responded)
    return dialog


def _captioned(caption: str, widget: Gtk.Widget) -> Gtk.Box:
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
    box.append(Gtk.Label(label=caption, use_underline=True, xalign=0, mnemonic_widget=widget))
    box.append(widget)
    return box


def _countdown(window: Window, dialog: Adw.MessageDialog, seconds: int) -> Gtk.Label:
    """Until the first key nobody may be there (S67); what was refused is not tried again at its end (S68)."""
    shown = label(_time_left(window.texts, seconds), "dim-label", "caption")
    left_s = seconds

    def tick() -> bool:
        nonlocal left_s
        if not shown.get_visible():
            return False
        left_s -= 1
        shown.set_text(_time_left(window.texts, left_s))
        if left_s <= 0:
            window.cancel()
        return left_s > 0

    def touched(*_about: object) -> bool:
        shown.set_visible(False)
        return False

    keys, pointer = Gtk.EventControllerKey(), Gtk.GestureClick()
    for controller, signal in ((keys, "key-pressed"), (pointer, "pressed")):
        controller.set_propagation_phase(Gtk.PropagationPhase.CAPTURE)
        controller.connect(signal, touched)
        dialog.add_controller(controller)
    GLib.timeout_add_seconds(1, tick)
    return shown


def _time_left(texts: Texts, seconds: int) -> str:
    return texts("password_countdown", time=f"{seconds // 60}:{seconds % 60:02}")


if __name__ == "__main__":
    sys.exit(Window(build).run())
