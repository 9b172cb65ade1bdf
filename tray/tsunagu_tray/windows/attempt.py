"""The window of an attempt to connect: its progress, then its error with the time to the next one (S3-S5, S53-S61)."""

import time
from collections.abc import Callable
from typing import Protocol

from tsunagu.model import ConnectionSettings
from tsunagu_tray.attempt_model import Page, explanation, failure, progress
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.texts import Texts
from tsunagu_tray.windows.attention import NEVER, come_up
from tsunagu_tray.windows.toolkit import CONTENT_WIDTH, ICON_NAME, Adw, GLib, Gtk, label, name_for_readers
from tsunagu_tray.windows.viewer import view as view_lines

TICK_MS = 500  # of the countdown


class Deeds(Protocol):
    """What its buttons do."""

    def retry(self, path: str) -> None: ...
    def disconnect(self, path: str) -> None: ...
    def dismiss(self, path: str) -> None: ...
    def hide(self, path: str, hidden: bool) -> None: ...
    def history(self, path: str, window: Gtk.Window) -> None: ...


class Attempt:
    """Shows one connection's attempt whenever ``show`` is called; ``close`` takes it away."""

    def __init__(self, application: Adw.Application, texts: Texts, path: str, deeds: Deeds) -> None:
        self._texts = texts
        self._path = path
        self._deeds = deeds
        self._timer = 0
        self._tick: Callable[[], None] = lambda: None
        self._explanation: list[tuple[str, str, str]] = []
        self.settings: ConnectionSettings | None = None  # once they are known
        self.window = Adw.Window(application=application, icon_name=ICON_NAME, resizable=False, title="Tsunagu")
        self._build()
        self.window.connect("close-request", self._closing)

    def _build(self) -> None:
        texts = self._texts
        self._heading = label("", "title-4")
        self._text = label("")
        self._advice = label("", "dim-label")
        self._explain = Gtk.Button(label=texts("attempt_explain"), use_underline=True, halign=Gtk.Align.START)
        self._explain.connect("clicked", lambda _: self._explained())
        self._next = label("", "numeric")
        self._bar = Gtk.ProgressBar()
        name_for_readers(self._bar, texts("attempt_progress"))
        self._hide = Gtk.CheckButton(label=texts("attempt_hide"), use_underline=True)
        self._hide.connect("toggled", lambda _: self._deeds.hide(self._path, self._hide.get_active()))
        self._retry = Gtk.Button(label=texts("attempt_retry"), use_underline=True)
        self._retry.add_css_class("suggested-action")
        self._retry.connect("clicked", lambda _: self._deeds.retry(self._path))
        self._history = Gtk.Button(label=texts("view_history"), use_underline=True)
        self._history.connect("clicked", lambda _: self._deeds.history(self._path, self.window))
        self._cancel = Gtk.Button(use_underline=True, halign=Gtk.Align.END, hexpand=True)
        self._cancel.connect("clicked", lambda _: self._cancelled())
        buttons = Gtk.Box(spacing=12)
        for button in (self._history, self._cancel, self._retry):
            buttons.append(button)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, width_request=CONTENT_WIDTH)
        told = (self._heading, self._text, self._advice, self._explain)
        for part in (*told, self._next, self._bar, self._hide, buttons):
            box.append(part)
        for side in ("top", "bottom", "start", "end"):
            getattr(box, f"set_margin_{side}")(18)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        content.append(Adw.HeaderBar())
        content.append(Adw.Clamp(child=box, maximum_size=460))
        self.window.set_content(content)

    def show(self, view: ConnectionView, page: Page, *, was_up: bool) -> None:
        """As it is now."""
        texts, settings = self._texts, self.settings
        is_error = page is Page.ERROR
        for part in (self._advice, self._next, self._hide, self._history, self._retry):
            part.set_visible(is_error)
        self.window.set_title(view.name)
        if page is Page.PROGRESS:
            proxy = f"{settings.proxy.host}:{settings.proxy.port}" if settings and settings.proxy else ""
            shown = progress(view, texts, proxy)
            self._heading.set_text(texts("attempt_heading", name=view.name))
            self._text.set_text(shown.text)
            self._bar.set_visible(True)
            self._bar.set_fraction(shown.fraction)
            self._stop_ticking()
        else:
            self._explanation = explanation(view.last_error, texts)
            self._tick = lambda: self._show_failure(view, was_up)
            self._tick()
            if not self._timer:
                self._timer = GLib.timeout_add(TICK_MS, self._ticked)
        is_over = is_error and not view.is_active
        self._cancel.set_label(texts("window_close" if is_over else "window_cancel"))
        self._hide.set_visible(is_error and not is_over)
        self._explain.set_visible(is_error and bool(self._explanation))
        if not self.window.get_visible():
            come_up(self.window, NEVER if is_error else time.monotonic())

    def close(self) -> None:
        """There is nothing to show any more."""
        self._stop_ticking()
        self.window.destroy()

    def _show_failure(self, view: ConnectionView, was_up: bool) -> None:
        limit, interval = (
            (None, 15.0)
            if self.settings is None
            else (
                self.settings.retry_limit,
                float(self.settings.retry_interval_s),
            )
        )
        shown = failure(view, self._texts, was_up=was_up, limit=limit, interval_s=interval, now=time.time())
        self._heading.set_text(shown.heading)
        self._text.set_text(shown.error)
        self._advice.set_text(shown.advice)
        self._next.set_text(shown.next)
        self._bar.set_visible(shown.fraction is not None)
        self._bar.set_fraction(shown.fraction or 0)

    def _ticked(self) -> bool:
        self._tick()
        return bool(GLib.SOURCE_CONTINUE)

    def _stop_ticking(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _explained(self) -> None:
        view_lines(self.window, self._texts("explain_title"), self._explanation)

    def _cancelled(self) -> None:
        self._deeds.disconnect(self._path)
        self._deeds.dismiss(self._path)

    def _closing(self, _window: Adw.Window) -> bool:
        self._deeds.dismiss(self._path)
        return True
