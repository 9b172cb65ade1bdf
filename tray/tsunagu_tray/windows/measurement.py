"""Measuring a connection from its details window: through its NIC, to a traffic server that the person names."""

from collections.abc import Callable
from typing import Any

from tsunagu_tray.speed_command import rows, speed_test
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.helper_thread import HelperThread
from tsunagu_tray.windows.messages import ask_text, tell_error
from tsunagu_tray.windows.toolkit import CONTENT_WIDTH, Adw, Gtk, facts

Stop = Callable[[], object]

SPAN_S = 10.0
CONNECTIONS = 2  # one each way


def measure(
    parent: Gtk.Window, texts: Texts, helper: HelperThread, interface: str, running: Callable[[Stop | None], None]
) -> None:
    """Ask where to, measure, and show it; ``running`` hears how to stop it, and None when it is over."""

    def begin(server: str) -> None:
        stop = helper.ask(
            lambda _: speed_test(server, "both", CONNECTIONS, SPAN_S, interface, texts, ethernet=False),
            lambda measured: _show(parent, texts, measured) if parent.get_mapped() else None,
            lambda error: tell_error(parent, texts, error) if parent.get_mapped() else None,
            lambda: running(None),
        )
        running(stop)

    ask_text(
        parent,
        heading=texts("measure_title"),
        body=texts("measure_about"),
        label=texts("measure_server"),
        value="",
        button=texts("measure_begin"),
        cancel=texts("window_cancel"),
        then=begin,
    )


def _show(parent: Gtk.Window, texts: Texts, measured: dict[str, Any]) -> None:
    box = Gtk.Box(width_request=CONTENT_WIDTH)
    shown = facts(rows(measured, texts))
    shown.set_hexpand(True)
    box.append(shown)
    dialog = Adw.MessageDialog(transient_for=parent, heading=texts("measure_done"))
    dialog.set_extra_child(box)
    dialog.add_response("close", texts("window_close"))
    dialog.present()
