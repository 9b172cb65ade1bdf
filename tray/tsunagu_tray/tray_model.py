"""What the tray shows and says, decided from what is known of all connections.  Pure: values in, values out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from tsunagu.error_table import ERRORS
from tsunagu.model import State
from tsunagu_tray.connection_view import ConnectionView, LastError
from tsunagu_tray.preferences import Click, Notifications, Preferences
from tsunagu_tray.texts import Texts

RECENT = 3  # entries of the history in a connection's menu
LINE_LENGTH = 60  # characters of one of them


class Kind(Enum):
    """The pictures of the icon; the value is the name ``images.picture`` knows."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    ERROR = "error"


class Verb(Enum):
    """What a click can ask for."""

    CONNECT = "connect"  # while waiting: retry now
    DISCONNECT = "disconnect"
    DISCONNECT_ALL = "disconnect-all"
    ANSWER = "answer"  # open the window of a question that waits
    START_SERVICE = "start-service"
    OPEN = "open"  # the main window
    DETAILS = "details"
    EDIT = "edit"
    NEW = "new"
    CLICK_CONNECTION = "click-connection"  # whether a click is for this connection
    AT_START = "at-start"  # whether this connection connects when the machine starts
    PREFERENCES = "preferences"
    UNBLOCK = "unblock"  # lift the kill switch
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Do:
    """One thing to do, to one connection where there is a path."""

    verb: Verb
    path: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu.  Without ``do`` and children it only tells something."""

    label: str
    do: Do | None = None
    children: tuple["Item | None", ...] = ()  # None: a separator
    is_default: bool = False  # what a left click on the icon does
    checked: bool | None = None  # None: cannot be checked

    @property
    def enabled(self) -> bool:
        """Whether choosing it does anything."""
        return self.do is not None or bool(self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that the tray knows at one moment."""

    views: Mapping[str, ConnectionView] = field(default_factory=dict)
    available: bool = True  # the helper is there
    is_locked: bool = False  # by a kill switch
    last_used: str = ""  # id of the connection that was connected last
    has_windows: bool = False  # our windows are open, and tell of errors themselves
    asking: Mapping[str, str] = field(default_factory=dict)  # path -> "password" | "certificate", questions that wait
    recent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # id -> what happened last, newest first
    preferences: Preferences = field(default_factory=Preferences)

    @property
    def in_order(self) -> list[ConnectionView]:
        """The connections as people look for them: by name."""
        return sorted(self.views.values(), key=lambda view: (view.name.casefold(), view.id))

    @property
    def default(self) -> ConnectionView | None:
        """The connection of a left click: the one chosen for it, the one used last, else the first by name."""
        wanted = (self.preferences.click_connection, self.last_used)
        ranks = {identity: rank for rank, identity in reversed([*enumerate(wanted)])}
        return min(self.in_order, key=lambda view: ranks.get(view.id, len(ranks)), default=None)


def icon(known: Known) -> Kind:
    """The one picture for all connections: what wants a person first, then what moves, then what stands."""
    states = {view.state for view in known.views.values()}
    if not known.available or states & {State.NEEDS_SECRET, State.NEEDS_TRUST}:
        return Kind.ERROR
    if states & {State.CONNECTING, State.WAITING, State.STOPPING}:
        return Kind.CONNECTING
    if State.UP in states:
        return Kind.CONNECTED
    if any(is_worth_telling(view.last_error) for view in known.views.values()):
        return Kind.ERROR
    return Kind.OFFLINE


def is_worth_telling(error: LastError) -> bool:
    """There is an error, and it is not the person's own Cancel."""
    return bool(error) and error.name not in ("Cancelled", "UserCancel")


def tooltip(known: Known, texts: Texts) -> str:
    """A line for each connection: name, state, address."""
    if not known.available:
        return texts("service_unavailable")
    lines = [f"{view.name}: {state_line(view, texts)}" for view in known.in_order] or [texts("no_connections")]
    return "\n".join([*lines, texts("locked")] if known.is_locked else lines)


def state_line(view: ConnectionView, texts: Texts) -> str:
    """State and address; of an idle connection the error that ended it."""
    line = texts.state(view.state, view.phase)
    if view.state is State.UP:
        return f"{line}, {view.address or texts('no_address_yet')}"
    if view.state in (State.IDLE, State.WAITING) and is_worth_telling(view.last_error):
        return f"{line} ({texts.error(view.last_error)})"
    return line


def click(known: Known) -> Do | None:
    """What a left click on the icon does now."""
    view = known.default
    if not known.available:
        return Do(Verb.START_SERVICE)
    if view is None:
        return Do(Verb.NEW)
    if known.preferences.click is Click.OPEN:
        return Do(Verb.OPEN)
    return _toggle(view, known)


def _toggle(view: ConnectionView, known: Known) -> Do | None:
    if view.path in known.asking:
        return Do(Verb.ANSWER, view.path)
    match view.state:
        case State.STOPPING:
            return None
        case State.IDLE | State.NEEDS_SECRET | State.NEEDS_TRUST:
            return Do(Verb.CONNECT, view.path)
        case _:
            return Do(Verb.DISCONNECT, view.path)


def menu(known: Known, texts: Texts) -> tuple[Item | None, ...]:
    """The whole menu; the first line is what a left click does, so that nobody has to guess it."""
    opens = known.preferences.click is Click.OPEN
    open_window = Item(texts("menu_open"), Do(Verb.OPEN))
    end = (
        Item(texts("menu_new"), Do(Verb.NEW)),
        Item(texts("menu_preferences"), Do(Verb.PREFERENCES)),
        None,
        Item(texts("menu_quit"), Do(Verb.QUIT)),
    )
    if not known.available:
        start = Item(texts("menu_start_service"), Do(Verb.START_SERVICE), is_default=True)
        return (Item(texts("service_unavailable")), start, None, open_window, *end)
    view = known.default
    if view is None:
        return (Item(texts("no_connections"), Do(Verb.NEW), is_default=True), None, open_window, *end)
    lines: list[Item | None] = [replace(open_window, is_default=True)] if opens else []
    lines.append(Item(_toggle_label(view, known, texts), _toggle(view, known), is_default=not opens))
    lines += [None, *(_submenu(each, known, texts) for each in known.in_order)]
    if sum(each.is_active for each in known.views.values()) > 1:
        lines += [None, Item(texts("menu_disconnect_all"), Do(Verb.DISCONNECT_ALL))]
    if known.is_locked:
        lines += [None, Item(texts("locked")), Item(texts("menu_unblock"), Do(Verb.UNBLOCK))]
    lines += [None] if opens else [None, open_window]
    return (*lines, *end)


def _toggle_label(view: ConnectionView, known: Known, texts: Texts) -> str:
    do = _toggle(view, known)
    match do and do.verb:
        case Verb.CONNECT:
            return texts("menu_connect_to", name=_literal(view.name))
        case Verb.ANSWER:
            return _answer_label(known.asking[view.path], texts)
        case _:
            return texts("menu_disconnect_from", name=_literal(view.name))


def _submenu(view: ConnectionView, known: Known, texts: Texts) -> Item:
    children: list[Item | None] = [Item(_literal(state_line(view, texts))), None]
    if view.path in known.asking:
        children.append(Item(_answer_label(known.asking[view.path], texts), Do(Verb.ANSWER, view.path)))
    if view.state is State.WAITING:
        children.append(Item(texts("menu_retry_now"), Do(Verb.CONNECT, view.path)))
    if not view.is_active:
        can_connect = view.state is State.IDLE
        children.append(Item(texts("menu_connect"), Do(Verb.CONNECT, view.path) if can_connect else None))
    else:
        children.append(Item(texts("menu_disconnect"), Do(Verb.DISCONNECT, view.path)))
    children += [
        None,
        Item(texts("menu_details"), Do(Verb.DETAILS, view.path)),
        Item(texts("menu_edit"), Do(Verb.EDIT, view.path)),
        None,
        Item(
            texts("menu_click_connection"),
            Do(Verb.CLICK_CONNECTION, view.path),
            checked=known.preferences.click_connection == view.id,
        ),
        Item(texts("menu_at_start"), Do(Verb.AT_START, view.path), checked=view.connect_at_start),
    ]
    if recent := known.recent.get(view.id):
        children += [None, *(Item(_literal(line), Do(Verb.DETAILS, view.path)) for line in recent)]
    return Item(_literal(view.name), children=tuple(children))


def recent(events: Iterable[Mapping[str, Any]], texts: Texts) -> dict[str, tuple[str, ...]]:
    """The last entries of each connection's history as lines of its menu, by its id; ``events`` has the newest last."""
    lines: dict[str, tuple[str, ...]] = {}
    for event in events:
        moment = datetime.fromtimestamp(event["time"], UTC).astimezone()
        text = texts.say(event["text"])
        line = f"{moment:%m-%d %H:%M}  {text if len(text) <= LINE_LENGTH else text[: LINE_LENGTH - 1] + '…'}"
        lines[event["id"]] = (line, *lines.get(event["id"], ()))[:RECENT]
    return lines


def _answer_label(kind: str, texts: Texts) -> str:
    return texts("menu_enter_password" if kind == "password" else "menu_review_certificate")


def _literal(text: str) -> str:
    """Menu labels take an underscore as the mark of the access key; a doubled one stands for itself."""
    return text.replace("_", "__")


# -- notifications ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notification; a later one with the same key takes its place."""

    key: str  # path of the connection; "": of Tsunagu itself
    title: str
    body: str = ""
    urgency: int = 1  # 0 low (GNOME hides these), 1 normal, 2 critical (stays until answered)
    button: tuple[str, Do] | None = None  # label and what it does
    is_trouble: bool = True  # or good news


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The notification with this key is no longer true: take it away."""

    key: str


def as_wanted(said: Iterable[Notice | Withdraw], wanted: Notifications) -> list[Notice | Withdraw]:
    """What the user wants to see of it; the place of what is left out is cleared of what was there before."""
    shown = {Notifications.ALL: {True, False}, Notifications.TROUBLE: {True}, Notifications.NONE: set()}[wanted]
    return [Withdraw(each.key) if isinstance(each, Notice) and each.is_trouble not in shown else each for each in said]


def came_up(old: Known, new: Known) -> list[ConnectionView]:
    """The connections that stand since this change."""
    return [
        view
        for path, view in new.views.items()
        if view.state is State.UP and path in old.views and old.views[path].state is not State.UP
    ]


class Narrator:
    """Turns what changed into notifications: one for a series of failures, not one an attempt."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._told: dict[str, set[int]] = {}  # path -> error codes of the present series

    def tell(self, old: Known, new: Known, now: float) -> list[Notice | Withdraw]:
        """What to say after a change; ``now`` is UTC s."""
        if old.available and not new.available:
            return self._service_lost(old.views.values())
        said: list[Notice | Withdraw] = []
        if new.available and not old.available:
            said.append(Withdraw(""))
        for path, before in old.views.items():
            after = new.views.get(path)
            if after is None:
                self._told.pop(path, None)
                said.append(Withdraw(path))
            elif after != before:
                is_silent = after.hide_windows and bool(after.last_error)  # S57; questions are not the narrator's (S69)
                is_hidden = is_silent or (new.has_windows and _has_error_window(after))
                story = self._transition(before, after, now)
                said += [Withdraw(path) if is_hidden else told for told in story]
        return said

    def _service_lost(self, views: Iterable[ConnectionView]) -> list[Notice | Withdraw]:
        self._told.clear()
        active = [view for view in views if view.is_active]
        if not active:
            return []
        texts = self._texts
        notice = Notice(
            key="",
            title=texts("service_lost_title"),
            body=texts("service_lost_body"),
            button=(texts("button_connect"), Do(Verb.CONNECT, active[0].path)),
        )
        return [*(Withdraw(view.path) for view in active), notice]

    def _transition(self, old: ConnectionView, new: ConnectionView, now: float) -> list[Notice | Withdraw]:
        was_up, path = old.state is State.UP, new.path
        match new.state:
            case State.UP if not was_up or (new.addresses and not old.addresses):
                self._told.pop(path, None)
                return [self._connected(new)]
            case State.UP if new.last_error and new.last_error != old.last_error and not new.addresses:
                return [self._no_address(new)]
            case State.IDLE if old.state is not State.IDLE:
                self._told.pop(path, None)
                by_person = old.state in (State.STOPPING, State.NEEDS_SECRET, State.NEEDS_TRUST)
                told = is_worth_telling(new.last_error) and not by_person
                return [self._failed(new, was_up)] if told else [Withdraw(path)]
            case State.CONNECTING | State.WAITING if was_up or new.state is State.WAITING:
                told_codes = self._told.setdefault(path, set())
                if new.last_error.code in told_codes:
                    return []
                told_codes.add(new.last_error.code)
                return [self._trouble(new, was_up, now)]
            case State.NEEDS_SECRET | State.NEEDS_TRUST if old.state is not new.state:
                return [Withdraw(path)]  # the question that comes now has words of its own
        return []

    def _connected(self, view: ConnectionView) -> Notice:
        texts = self._texts
        body = texts("connected_address", address=view.address) if view.address else texts("connected_no_address")
        return Notice(key=view.path, title=texts("connected_title", name=view.name), body=body, is_trouble=False)

    def _no_address(self, view: ConnectionView) -> Notice:
        return Notice(
            key=view.path,
            title=self._texts("no_address_title", name=view.name),
            body=self._texts.error(view.last_error),
        )

    def _trouble(self, view: ConnectionView, was_up: bool, now: float) -> Notice:
        """The series of attempts has begun, or fails for another reason than before."""
        texts = self._texts
        waits = view.state is State.WAITING
        hope = texts("retrying_in", seconds=max(1, round(view.retry_at - now))) if waits else texts("reconnecting")
        return Notice(
            key=view.path,
            title=texts("lost_title" if was_up else "failed_title", name=view.name),
            body="\n".join(filter(None, (texts.error(view.last_error), hope))),
            button=(texts("button_retry_now"), Do(Verb.CONNECT, view.path)) if waits else None,
        )

    def _failed(self, view: ConnectionView, was_up: bool) -> Notice:
        """It has ended and waits for a person; the one button does what may help."""
        texts, error = self._texts, view.last_error
        entry = ERRORS.get(error.code)
        label = _REMEDY_BUTTONS.get(entry.remedy if entry else "", "button_connect")
        return Notice(
            key=view.path,
            title=texts("lost_title" if was_up else "failed_title", name=view.name),
            body="\n".join(filter(None, (texts.error(error), texts.advice(error)))),
            button=(texts(label), Do(Verb.CONNECT, view.path)),
        )


def _has_error_window(view: ConnectionView) -> bool:
    return view.state in (State.WAITING, State.IDLE) and is_worth_telling(view.last_error)


_REMEDY_BUTTONS = {
    "retry": "button_retry_now",
    "retry-late": "button_retry_now",
    "ask-secret": "button_enter_password",  # a new attempt asks for it
    "ask-trust": "button_review_certificate",
}
