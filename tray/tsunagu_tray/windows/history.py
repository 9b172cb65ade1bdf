"""What happened to a connection, newest first."""

from typing import Any

from tsunagu.bus_names import connection_id
from tsunagu_tray.report import event_text, local_time
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.helper_thread import HelperThread
from tsunagu_tray.windows.messages import tell_error
from tsunagu_tray.windows.toolkit import Gtk, without_mnemonic
from tsunagu_tray.windows.viewer import view

EVENTS = 500  # of all connections, of which this one's are shown


def view_history(parent: Gtk.Window, texts: Texts, helper: HelperThread, path: str) -> None:
    """In a window of its own."""

    def show(events: list[dict[str, Any]]) -> None:
        own = [event for event in events if event["id"] == connection_id(path)]
        lines = [(local_time(event["time"]), event_text(event, texts), "") for event in reversed(own)]
        view(parent, without_mnemonic(texts("view_history")), lines or [("", texts("history_empty"), "")])

    helper.ask(lambda client: client.events(EVENTS), show, lambda error: tell_error(parent, texts, error))
