"""Trying a log-in from the settings editor: the button, what goes on meanwhile, and what came of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from tsunagu.errors import VpnError
from tsunagu.model import ConnectionSettings, Secret
from tsunagu_tray.certificate import fingerprint_of
from tsunagu_tray.texts import Texts
from tsunagu_tray.trial_model import asks_trust, needs_password, outcome
from tsunagu_tray.windows.certificate import certificate_dialog
from tsunagu_tray.windows.messages import ask_text, tell_error
from tsunagu_tray.windows.toolkit import CONTENT_WIDTH, Adw, Gtk, facts, label

Secrets = dict[str, Secret]


class Editor(Protocol):
    """Whose settings are tried."""

    def to_try(self) -> tuple[ConnectionSettings, Secrets]: ...
    def trust(self, fingerprint: str) -> None: ...


class TryLogIn(Protocol):
    """Has the helper do it."""

    def __call__(
        self,
        settings: ConnectionSettings,
        secrets: Secrets,
        then: Callable[[dict[str, Any]], None],
        failed: Callable[[VpnError], None],
    ) -> None: ...


class Trial:
    """``widget`` is its line in the editor; ``kept``: names of the secrets that are saved."""

    def __init__(self, window: Gtk.Window, texts: Texts, editor: Editor, kept: list[str], try_log_in: TryLogIn) -> None:
        self._window = window
        self._texts = texts
        self._editor = editor
        self._kept = kept
        self._try_log_in = try_log_in
        self._run: object | None = None  # what is under way; answers to others come too late
        self._is_possible = False
        self._button = Gtk.Button(use_underline=True, valign=Gtk.Align.CENTER)
        self._button.connect("clicked", lambda _: self._clicked())
        self._spinner = Gtk.Spinner()
        self._words = label("", "dim-label", "caption")
        self.widget = Gtk.Box(spacing=12)
        for part in (self._button, self._spinner, self._words):
            self.widget.append(part)
        window.connect("destroy", lambda _: self._stop())
        self._refresh()

    def enable(self, is_possible: bool) -> None:
        """Whether there is anything that can be tried."""
        self._is_possible = is_possible
        self._refresh()

    def _refresh(self) -> None:
        is_running = self._run is not None
        self._button.set_label(self._texts("trial_stop" if is_running else "trial_try"))
        self._button.set_sensitive(is_running or self._is_possible)
        self._spinner.set_visible(is_running)
        self._spinner.set_spinning(is_running)
        self._words.set_text(self._texts("trial_running") if is_running else "")

    def _stop(self) -> None:
        self._run = None
        self._refresh()

    def _clicked(self) -> None:
        if self._run is not None:
            self._stop()
            return
        settings, secrets = self._editor.to_try()
        if not needs_password(settings, secrets, self._kept):
            self._begin(settings, secrets)
            return
        ask_text(
            self._window,
            heading=self._texts("trial_password"),
            label=self._texts("trial_password"),
            value="",
            button=self._texts("trial_try"),
            cancel=self._texts("window_cancel"),
            then=lambda typed: self._begin(settings, secrets | {"password": Secret(typed)}),
            secret=True,
        )

    def _begin(self, settings: ConnectionSettings, secrets: Secrets) -> None:
        run = self._run = object()
        self._refresh()

        def then(tried: dict[str, Any]) -> None:
            if run is self._run:
                self._stop()
                self._show(tried, settings, secrets)

        def failed(error: VpnError) -> None:
            if run is self._run:
                self._stop()
                tell_error(self._window, self._texts, error)

        self._try_log_in(settings, secrets, then, failed)

    def _show(self, tried: dict[str, Any], settings: ConnectionSettings, secrets: Secrets) -> None:
        if asks_trust(tried):
            self._ask_trust(tried, settings, secrets)
            return
        shown = outcome(tried, settings, self._texts)
        dialog = Adw.MessageDialog(transient_for=self._window, heading=shown.heading, body=shown.body)
        if shown.facts:
            box = Gtk.Box(width_request=CONTENT_WIDTH)
            rows = facts([*shown.facts])
            rows.set_hexpand(True)
            box.append(rows)
            dialog.set_extra_child(box)
        dialog.add_response("close", self._texts("window_close"))
        dialog.present()

    def _ask_trust(self, tried: dict[str, Any], settings: ConnectionSettings, secrets: Secrets) -> None:
        fingerprint = fingerprint_of(tried["server_certificate"])
        question = {
            "server": f"{settings.host}:{settings.port}",
            "der": tried["server_certificate"],
            "sha256": fingerprint,
            "code": tried["error_code"],
            "changed": bool(settings.server_fingerprint),
        }

        def answered(verdict: str) -> None:
            if verdict == "pin":
                self._editor.trust(fingerprint)
            if verdict in ("pin", "once"):
                self._begin(replace(settings, server_fingerprint=fingerprint), secrets)

        dialog = certificate_dialog(question, self._texts, answered)
        dialog.set_transient_for(self._window)
        dialog.present()
