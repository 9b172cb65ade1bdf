"""The main window's list, decided from what is known of all connections.  Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tsunagu.model import ListState, State
from tsunagu_tray.connection_view import ConnectionView
from tsunagu_tray.texts import Texts
from tsunagu_tray.tray_model import Kind, Known, icon, is_worth_telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One connection as the list shows it."""

    path: str
    picture: Kind
    name: str
    state: str  # the manual's word, then what else matters now
    where: str  # server, hub, NIC
    button: str  # label of what the button does: connect, or whatever ends it
    is_active: bool
    is_busy: bool  # it cannot be told anything at this moment

    @property
    def spoken(self) -> str:
        """For screen readers."""
        return f"{self.name}: {self.state}. {self.where}"


def rows(views: Iterable[ConnectionView], texts: Texts, hidden: Collection[str] = ()) -> list[Row]:
    """All of them by name, but for those that are about to be deleted."""
    shown = (view for view in views if view.path not in hidden)
    return [_row(view, texts) for view in sorted(shown, key=lambda view: (view.name.casefold(), view.id))]


def matches(row: Row, search: str) -> bool:
    """Every word searched for is somewhere in the row."""
    text = f"{row.name} {row.where} {row.state}".casefold()
    return all(word in text for word in search.casefold().split())


def opens_details(view: ConnectionView) -> bool:
    """A double click on it opens the details; on one that is offline it connects (S2)."""
    return view.list_state is not ListState.OFFLINE


def copy_name(name: str, taken: Collection[str]) -> str:
    """A free name for a duplicate: "Office (2)"."""
    stem, _, number = name.removesuffix(")").rpartition(" (")
    if not (stem and number.isdecimal() and name.endswith(")")):
        stem = name
    used = {each.casefold() for each in taken}
    return next(free for count in range(2, len(used) + 3) if (free := f"{stem[:240]} ({count})").casefold() not in used)


def _row(view: ConnectionView, texts: Texts) -> Row:
    match view.state:
        case State.IDLE:
            button = "list_connect"
        case State.UP:
            button = "list_disconnect"
        case _:
            button = "list_cancel"
    where = [view.server, texts("list_hub", hub=view.hub), view.interface if view.is_active else ""]
    return Row(
        path=view.path,
        picture=icon(Known(views={view.path: view})),
        name=view.name,
        state=state_words(view, texts),
        where=" · ".join(filter(None, where)),
        button=texts(button),
        is_active=view.is_active,
        is_busy=view.state is State.STOPPING,
    )


def state_words(view: ConnectionView, texts: Texts) -> str:
    """One of the manual's three words (S15), and what else a person wants to know at once."""
    word = texts(f"list_{view.list_state.value.lower()}")
    more = ""
    if view.state is State.UP:
        more = view.address or texts("no_address_yet")
    elif view.list_state is ListState.CONNECTING:
        more = texts.state(view.state, view.phase)
    elif is_worth_telling(view.last_error):
        more = texts.error(view.last_error)
    return " · ".join(filter(None, (word, more)))
