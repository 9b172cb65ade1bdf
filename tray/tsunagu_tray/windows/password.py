"""The password window: a ``PasswordQuestion`` on stdin, ``{"secret": …, "save": …}`` on stdout, nothing for Cancel."""

import sys

from tsunagu_tray.windows.window import CONTENT_WIDTH, Adw, Gtk, Window, facts, label


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
    content.append(
        facts(
            [
                (texts(f"{of}_{key}"), question[field])
                for key, field in (("server", "server"), ("hub", "hub"), ("user", "username"))
                if question[field]
            ]
        )
    )
    entry = Gtk.PasswordEntry(show_peek_icon=True, activates_default=True, hexpand=True)
    caption = Gtk.Label(label=texts(f"{of}_label"), use_underline=True, xalign=0, mnemonic_widget=entry)
    entry.update_property([Gtk.AccessibleProperty.LABEL], [texts(f"{of}_label").replace("_", "")])
    entry.connect("changed", lambda _: dialog.set_response_enabled("connect", bool(entry.get_text())))
    typing = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
    typing.append(caption)
    typing.append(entry)
    no_save = Gtk.CheckButton(label=texts("password_no_save"), use_underline=True, active=question["no_save"])
    if not question["save_forbidden"]:
        typing.append(no_save)
    if question["saved_in"]:
        typing.append(label(texts(f"password_saved_in_{question['saved_in']}"), "dim-label", "caption"))
    content.append(typing)
    dialog.set_extra_child(content)
    dialog.set_focus(entry)

    def responded(_dialog: Adw.MessageDialog, response: str) -> None:
        if response == "connect" and entry.get_text():
            save = not question["save_forbidden"] and not no_save.get_active()
            window.answer({"secret": entry.get_text(), "save": save})
        else:
            window.cancel()

    dialog.connect("response", responded)
    return dialog


if __name__ == "__main__":
    sys.exit(Window(build).run())
