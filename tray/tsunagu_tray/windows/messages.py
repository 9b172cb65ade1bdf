"""Short dialogs over a window: an error, a text to type."""

from collections.abc import Callable

from tsunagu.errors import VpnError, bus_error_name
from tsunagu_tray.connection_view import LastError
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.toolkit import Adw, Gtk, name_for_readers


def error_with_advice(texts: Texts, error: VpnError) -> str:
    """What went wrong, and what may help."""
    told = LastError(bus_error_name(error), error.code, str(error))
    return "\n\n".join(filter(None, (texts.error(told), texts.advice(told))))


def tell_error(parent: Gtk.Window, texts: Texts, error: VpnError) -> None:
    """What went wrong, and what may help."""
    heading = texts("refused_heading")
    dialog = Adw.MessageDialog(transient_for=parent, heading=heading, body=error_with_advice(texts, error))
    dialog.add_response("close", texts("window_close"))
    dialog.present()


def ask_text(
    parent: Gtk.Window,
    *,
    heading: str,
    label: str,
    value: str,
    button: str,
    cancel: str,
    then: Callable[[str], None],
    secret: bool = False,
    body: str = "",
) -> None:
    """Ask for one line that is not empty."""
    dialog = Adw.MessageDialog(
        transient_for=parent, heading=heading, body=body, accessible_role=Gtk.AccessibleRole.DIALOG
    )
    dialog.add_response("cancel", cancel)
    dialog.add_response("done", button)
    dialog.set_response_appearance("done", Adw.ResponseAppearance.SUGGESTED)
    dialog.set_default_response("done")
    dialog.set_close_response("cancel")
    entry = Gtk.PasswordEntry(show_peek_icon=True) if secret else Gtk.Entry()
    entry.set_text(value)
    entry.set_property("activates-default", True)
    name_for_readers(entry, label)
    entry.connect("changed", lambda _: dialog.set_response_enabled("done", bool(entry.get_text().strip())))
    dialog.set_extra_child(entry)
    dialog.set_focus(entry)

    def responded(_dialog: Adw.MessageDialog, response: str) -> None:
        if response == "done" and (text := entry.get_text().strip()) != value:
            then(text)

    dialog.connect("response", responded)
    dialog.present()
