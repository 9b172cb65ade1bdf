"""The details window of one connection: every field, live (S20-S48)."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tsunagu.errors import VpnError
from tsunagu.model import ListState
from tsunagu_tray.details_model import as_text, has_session, sections, speed
from tsunagu_tray.list_model import state_words
from tsunagu_tray.report import policy_rows
from tsunagu_tray.texts import Texts
from tsunagu_tray.throughput import Throughput
from tsunagu_tray.tray_model import Known, icon
from tsunagu_tray.windows.graph import Graph
from tsunagu_tray.windows.helper_thread import HelperThread
from tsunagu_tray.windows.history import view_history
from tsunagu_tray.windows.measurement import Stop, measure
from tsunagu_tray.windows.pictures import image, texture
from tsunagu_tray.windows.toolkit import (
    ICON_NAME,
    Adw,
    GLib,
    Gtk,
    label,
    name_for_readers,
    reading_list,
    reading_row,
    without_mnemonic,
)
from tsunagu_tray.windows.viewer import view, view_certificate

POLL_MS = 500  # as the original


class Details:
    """Asks the helper twice a second while anybody can see it."""

    def __init__(
        self,
        application: Adw.Application,
        texts: Texts,
        helper: HelperThread,
        path: str,
        disconnect: Callable[[str], None],
        closed: Callable[[str], None],
    ) -> None:
        self._texts = texts
        self._helper = helper
        self._path = path
        self._status: dict[str, Any] = {}
        self._values: dict[str, Gtk.Label] = {}
        self._shape: list[tuple[str, list[str]]] = []  # sections and keys that there are widgets for
        self._throughput = Throughput()
        self._asked = False
        self._stop_measuring: Stop | None = None  # while it goes on
        self.window = Adw.Window(
            application=application, icon_name=ICON_NAME, default_width=520, default_height=680, width_request=320
        )
        self._build(disconnect)
        self._timer = GLib.timeout_add(POLL_MS, self._tick)
        self.window.connect("close-request", lambda _: self._close(closed))
        self.refresh()
        self._tick()

    def refresh(self) -> None:
        """The connection's state has changed."""
        view = self._helper.views.get(self._path)
        if view is None:
            if self._helper.is_known:
                self.window.close()  # it was deleted
            else:  # the same one may be there again
                self._state.set_text(self._texts("service_unavailable"))
                self._picture.set_from_paintable(texture(icon(Known(available=False))))
                self._disconnect.set_sensitive(False)
                self._throughput = Throughput()
            return
        self.window.set_title(self._texts("details_title", name=view.name))
        self._picture.set_from_paintable(texture(icon(Known(views={view.path: view}))))
        self._state.set_text(state_words(view, self._texts))
        self._disconnect.set_sensitive(view.is_active)
        if view.list_state is ListState.OFFLINE:
            self._state.set_text(self._texts("details_offline"))

    def _build(self, disconnect: Callable[[str], None]) -> None:
        texts = self._texts
        header = Adw.HeaderBar()
        copy = Gtk.Button(icon_name="edit-copy-symbolic", tooltip_text=texts("details_copy"))
        copy.connect("clicked", lambda _: self._copy())
        name_for_readers(copy, texts("details_copy"))
        self._disconnect = Gtk.Button(label=texts("list_disconnect"))
        self._disconnect.connect("clicked", lambda _: disconnect(self._path))
        header.pack_start(self._disconnect)
        header.pack_end(copy)

        self._picture = image(icon(Known()))
        self._state = label("", "heading")
        top = Gtk.Box(spacing=12)
        top.append(self._picture)
        top.append(self._state)
        self._graph = Graph()
        self._rates = label("", "caption", "numeric")
        self._views = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.NONE, max_children_per_line=4, column_spacing=6, row_spacing=6
        )
        self._buttons: dict[str, Gtk.Button] = {}
        for key, deed in (
            ("view_policy", self._view_policy),
            ("view_server_certificate", partial(self._view_certificate, "server")),
            ("view_client_certificate", partial(self._view_certificate, "client")),
            ("view_history", lambda: view_history(self.window, texts, self._helper, self._path)),
            ("view_measure", self._measure),
        ):
            button = self._buttons[key] = Gtk.Button(label=texts(key), use_underline=True)
            button.connect("clicked", lambda _, deed=deed: deed())
            self._views.append(Gtk.FlowBoxChild(child=button, focusable=False))
        self._sections = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=18)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        for part in (top, self._graph.widget, self._rates, self._views, self._sections):
            box.append(part)
        clamp = Adw.Clamp(child=box, maximum_size=640)
        for side in ("top", "bottom", "start", "end"):
            getattr(clamp, f"set_margin_{side}")(18)
        scrolled = Gtk.ScrolledWindow(child=clamp, hscrollbar_policy=Gtk.PolicyType.NEVER, vexpand=True)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        content.append(header)
        content.append(scrolled)
        self._toasts = Adw.ToastOverlay(child=content)
        self.window.set_content(self._toasts)

    # -- what the helper tells ----------------------------------------------------------------------------------------

    def _tick(self) -> bool:
        surface = self.window.get_surface()
        if (surface is None or surface.get_mapped()) and not self._asked and self._path in self._helper.views:
            self._asked = True
            self._helper.ask(lambda client: client.status(self._path), self._show, self._failed)
        return bool(GLib.SOURCE_CONTINUE)

    def _failed(self, _error: VpnError) -> None:
        """``refresh`` says that the helper has gone; here the last values stay."""
        self._asked = False

    def _show(self, status: dict[str, Any]) -> None:
        self._asked = False
        self._status = status
        shown = sections(status, self._texts)
        shape = [(section.title, [line.key for line in section.lines]) for section in shown]
        if shape != self._shape:
            self._shape = shape
            self._make_rows()
        for section in shown:
            for line in section.lines:
                value = self._values[line.key]
                if value.get_text() != line.value:
                    value.set_text(line.value)
                    name_for_readers(value, f"{line.title}: {line.value}")
        for key, field in (
            ("view_policy", "session_name"),
            ("view_server_certificate", "server_certificate"),
            ("view_client_certificate", "client_certificate"),
        ):
            self._buttons[key].set_sensitive(bool(status[field]))
        self._buttons["view_measure"].set_sensitive(has_session(status) or self._stop_measuring is not None)
        if has_session(status):
            self._throughput.add(time.monotonic(), status["sent_octets"], status["received_octets"])
        self._show_rates(self._throughput)

    def _make_rows(self) -> None:
        while child := self._sections.get_first_child():
            self._sections.remove(child)
        self._values.clear()
        for title, keys in self._shape:
            group = Adw.PreferencesGroup(title=GLib.markup_escape_text(title))
            box = reading_list()
            for key in keys:
                box.append(self._row(key))
            group.add(box)
            self._sections.append(group)

    def _row(self, key: str) -> Gtk.ListBoxRow:
        title = label(self._texts(f"status_{key}"), "dim-label")
        title.set_valign(Gtk.Align.START)
        value = self._values[key] = label("", "numeric", selectable=True, xalign=1)
        value.set_hexpand(True)
        value.set_justify(Gtk.Justification.RIGHT)
        box = Gtk.Box(spacing=18)
        box.add_css_class("fact")
        box.append(title)
        box.append(value)
        return reading_row(box)

    def _show_rates(self, throughput: Throughput) -> None:
        texts, now = self._texts, throughput.now
        sent, received = speed(now.sent), speed(now.received)
        words = f"{texts('details_sending')} {sent}   {texts('details_receiving')} {received}"
        if round_trip_ms := self._status.get("round_trip_ms"):
            words += f"   {texts('details_latency', ms=round_trip_ms)}"
        self._rates.set_text(words)
        self._graph.show(throughput.rates, throughput.scale, texts("details_graph", sent=sent, received=received))

    # -- what is done here --------------------------------------------------------------------------------------------

    def _copy(self) -> None:
        self.window.get_clipboard().set(as_text(self._status, self._texts) if self._status else "")
        self._toasts.add_toast(Adw.Toast(title=self._texts("details_copied"), timeout=3))

    def _view_policy(self) -> None:
        view(self.window, self._title("view_policy"), policy_rows(self._status["policy"], self._texts))

    def _view_certificate(self, whose: str) -> None:
        title = self._title(f"view_{whose}_certificate")
        view_certificate(self.window, title, self._status[f"{whose}_certificate"], self._texts)

    def _measure(self) -> None:
        if self._stop_measuring:
            self._stop_measuring()
        else:
            measure(self.window, self._texts, self._helper, self._status["interface"], self._measuring)

    def _measuring(self, stop: Stop | None) -> None:
        self._stop_measuring = stop
        self._buttons["view_measure"].set_label(self._texts("measure_stop" if stop else "view_measure"))

    def _title(self, key: str) -> str:
        return without_mnemonic(self._texts(key))

    def _close(self, closed: Callable[[str], None]) -> bool:
        GLib.source_remove(self._timer)
        if self._stop_measuring:
            self._stop_measuring()
        closed(self._path)
        return False
