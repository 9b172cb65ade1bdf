"""Which connection has its progress or error window open, and what is in it (S3-S5, S53-S61).  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tsunagu.error_table import ERRORS
from tsunagu.model import Phase, State
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import is_worth_telling

STEPS = (  # S5, in order
    Phase.RESOLVING,
    Phase.CONNECTING,
    Phase.VERIFYING,
    Phase.NEGOTIATING,
    Phase.AUTHENTICATING,
    Phase.ESTABLISHING,
    Phase.REDIRECTED,
    Phase.ESTABLISHED,
)
DROPPED = (3, 13)  # codes that end a session that stood


class Page(Enum):
    """What the window shows."""

    PROGRESS = "progress"
    ERROR = "error"


@dataclass(slots=True)
class _Run:
    """What is remembered of one connection from Connect to its end."""

    is_watched: bool = False  # it was connected from a window: its progress is of interest
    is_hidden: bool = False  # "do not show this window", for this run
    dismissed: int | None = None  # code of the error whose window was closed by hand
    was_up: bool = False  # the last error ended a session
    has_failed: bool = False  # it has ended by an error that nobody has seen yet


class Attempts:
    """Follows the connections; ``pages`` is what to show now, by path."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._views: Mapping[str, ConnectionView] = {}

    def clicked(self, path: str) -> None:
        """The person has connected it from a window."""
        self._runs[path] = _Run(is_watched=True)

    def dismissed(self, path: str) -> None:
        """The person has closed its window."""
        run = self._run(path)
        run.is_watched = run.has_failed = False
        if view := self._views.get(path):
            run.dismissed = view.last_error.code

    def hide(self, path: str, hidden: bool) -> None:
        """Whether its windows stay away for the rest of this run."""
        self._run(path).is_hidden = hidden

    def was_up(self, path: str) -> bool:
        """The error ended a session, and not only an attempt (S60)."""
        view = self._views.get(path)
        return self._run(path).was_up or (view is not None and view.last_error.code in DROPPED)

    def update(self, views: Mapping[str, ConnectionView]) -> None:
        """Take what is known now."""
        before, self._views = self._views, views
        for path, view in views.items():
            if (old := before.get(path)) is not None and old.state is not view.state:
                self._follow(old, view, self._run(path))

    def pages(self) -> dict[str, Page]:
        """The windows that should be open."""
        found = {path: self._page(view, self._run(path)) for path, view in self._views.items()}
        return {path: page for path, page in found.items() if page}

    def _run(self, path: str) -> _Run:
        return self._runs.setdefault(path, _Run())

    def _follow(self, old: ConnectionView, view: ConnectionView, run: _Run) -> None:
        match view.state:
            case State.UP:
                run.is_watched, run.dismissed = False, None
            case State.IDLE:
                run.has_failed = old.state is not State.STOPPING and is_worth_telling(view.last_error)
            case State.CONNECTING:
                run.has_failed = False
                if old.state is State.IDLE:
                    run.is_hidden, run.dismissed, run.was_up = False, None, False
        if old.state is State.UP:
            run.was_up = True
        elif view.last_error:
            run.was_up = False

    def _page(self, view: ConnectionView, run: _Run) -> Page | None:
        if view.hide_windows or run.is_hidden:
            return None
        match view.state:
            case State.CONNECTING if run.is_watched:
                return Page.PROGRESS
            case State.WAITING if is_worth_telling(view.last_error) and run.dismissed != view.last_error.code:
                return Page.ERROR
            case State.IDLE if run.has_failed and is_worth_telling(view.last_error):
                return Page.ERROR
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an attempt has come."""

    text: str
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one failed, and what comes now."""

    heading: str
    error: str
    advice: str
    next: str  # when it is tried again, and which time that is; or that it is not
    fraction: float | None  # of the wait that is over; None: nothing is waited for


def progress(view: ConnectionView, texts: Texts, proxy: str = "") -> Progress:
    """The step an attempt is at."""
    step = STEPS.index(view.phase) if view.phase in STEPS else 0
    key = f"attempt_{STEPS[step].value}"
    if proxy and view.phase is Phase.CONNECTING:
        key = "attempt_connecting_by_proxy"
    return Progress(text=texts(key, server=view.server, proxy=proxy), fraction=(step + 1) / (len(STEPS) + 1))


def explanation(error: LastError, texts: Texts) -> list[tuple[str, str, str]]:
    """All that the protocol's table says of an error (S54), to be read: title, value, meaning; [] where it has none."""
    if error.code not in ERRORS:
        return []
    entry = ERRORS[error.code]
    return [
        (texts("explain_code"), str(entry.code), ""),
        (texts("explain_name"), entry.name, ""),
        (texts("explain_meaning"), texts.say(entry.sentence), ""),
        (texts("explain_told"), texts.error(error), ""),
        (texts("explain_advice"), texts.advice(error), ""),
    ]


def failure(
    view: ConnectionView, texts: Texts, *, was_up: bool, limit: int | None, interval_s: float, now: float
) -> Failure:
    """The error, and the countdown to the next attempt; ``now`` is UTC s."""
    error = view.last_error
    fraction = None
    if view.state is State.WAITING:
        left = max(0.0, view.retry_at - now)
        number = view.attempt
        tries = (
            texts("attempt_of_infinite", number=number)
            if limit is None
            else texts("attempt_of", number=number, limit=limit)
        )
        after = texts("attempt_retry_in", seconds=round(left)) + (f" ({tries})" if number else "")
        fraction = min(1.0, 1 - left / max(interval_s, left, 1.0))
    else:
        after = texts("attempt_click_retry")
    return Failure(
        heading=texts("lost_title" if was_up else "failed_title", name=view.name),
        error=texts.error(error),
        advice=texts.advice(error),
        next=after,
        fraction=fraction,
    )
