"""The settings editor's rows, one a setting, and what is wrong with what was typed.  Pure.

Values are flat and plain: a field's name, or ``proxy.host``, with text, number, truth, or lines of text.  A new field
of ``ConnectionSettings`` needs one row here and its words (``set_…``, ``choice_…``) in ``window_texts``.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tsunagu.errors import InvalidSettings
from tsunagu.model import ConnectionSettings, Proxy, ProxyKind
from tsunagu.plain import from_plain, to_plain
from tsunagu_tray.proxy_text import with_headers

Values = dict[str, Any]


class Widget(Enum):
    """How a setting is shown."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    LINES = "lines"  # several texts, apart by commas
    PARAGRAPHS = "paragraphs"  # a text of several lines
    SECRET = "secret"  # only ever written
    HUB = "hub"  # a text, which the server may offer a choice for
    IDENTITY = "identity"  # certificate and private key, from files


def _always(_values: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row."""

    field: str
    group: str
    widget: Widget = Widget.TEXT
    options: tuple[str, ...] = ()  # of a choice
    low: int = 0  # of a number
    high: int = 0
    advanced: bool = True
    shown: Callable[[Mapping[str, Any]], bool] = _always  # whether it means anything beside these other values

    @property
    def words(self) -> str:
        """The key of its name."""
        return "set_" + self.field.replace(".", "_")

    def option_words(self, option: str) -> str:
        """The key of the name of one of its options."""
        return f"choice_{self.field.replace('.', '_')}_{(option or 'none').replace('-', '_')}"


_EMPTY: dict[Widget, Any] = {Widget.TEXT: "", Widget.LINES: []}  # what a setting is that means nothing beside others


def _auth(*kinds: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda values: values["auth"] in kinds


def _has_proxy(values: Mapping[str, Any]) -> bool:
    return bool(values["proxy.kind"])


def _has_http_proxy(values: Mapping[str, Any]) -> bool:
    return bool(values["proxy.kind"] == ProxyKind.HTTP.value)


def _basic(field: str, widget: Widget = Widget.TEXT, **more: Any) -> Setting:
    return Setting(field=field, group="group_connection", widget=widget, advanced=False, **more)


def _in(group: str) -> Callable[..., Setting]:
    return lambda field, widget=Widget.SWITCH, **more: Setting(field=field, group=group, widget=widget, **more)


_user, _network, _retry = _in("group_user"), _in("group_network"), _in("group_retry")
_proxy, _server, _carriers = _in("group_proxy"), _in("group_server"), _in("group_carriers")
_modes, _start = _in("group_modes"), _in("group_start")

TABLE: tuple[Setting, ...] = (
    _basic("name"),
    _basic("host"),
    _basic("port", Widget.NUMBER, low=1, high=65535),
    _basic("hub", Widget.HUB),
    _user(
        "auth",
        Widget.CHOICE,
        advanced=False,
        options=("password", "plain-password", "certificate", "smart-card", "anonymous"),
    ),
    _user("username", Widget.TEXT, advanced=False),
    _user("password", Widget.SECRET, advanced=False, shown=_auth("password", "plain-password")),
    _user("client_certificate", Widget.IDENTITY, advanced=False, shown=_auth("certificate")),
    _user("card_certificate", Widget.TEXT, advanced=False, shown=_auth("smart-card")),
    _user("card_key", Widget.TEXT, advanced=False, shown=_auth("smart-card")),
    _user("card_module", Widget.TEXT, advanced=True, shown=_auth("smart-card")),
    _user(
        "secrets_in",
        Widget.CHOICE,
        options=("keyring", "system"),
        shown=lambda values: not values["connect_at_start"],
    ),
    _start("connect_at_start", advanced=False),
    _start("disconnect_at_logout"),
    _network("routing", Widget.CHOICE, advanced=False, options=("lan", "everything", "none")),
    _network("kill_switch", Widget.SWITCH, shown=lambda values: values["routing"] == "everything"),
    _network("allow_lan", shown=lambda values: values["routing"] == "everything"),
    _network("extra_networks", Widget.LINES, shown=lambda values: values["routing"] != "none"),
    _network("excluded_networks", Widget.LINES, shown=lambda values: values["routing"] != "none"),
    _network("dns", Widget.CHOICE, options=("auto", "manual", "off")),
    _network("dns_servers", Widget.LINES, shown=lambda values: values["dns"] == "manual"),
    _network("dns_domains", Widget.LINES),
    _network("addressing", Widget.CHOICE, options=("dhcp", "static", "none")),
    _network("address", Widget.TEXT, shown=lambda values: values["addressing"] == "static"),
    _network("gateway", Widget.TEXT, shown=lambda values: values["addressing"] == "static"),
    _network("link_local", Widget.SWITCH, shown=lambda values: values["addressing"] == "dhcp"),
    _network("ipv6", Widget.CHOICE, options=("off", "auto", "static")),
    _network("ipv6_address", Widget.TEXT, shown=lambda values: values["ipv6"] == "static"),
    _network("ipv6_gateway", Widget.TEXT, shown=lambda values: values["ipv6"] != "off"),
    _network("interface", Widget.TEXT),
    _network("mac", Widget.TEXT),
    _network("nic_enabled"),
    _network("mtu", Widget.NUMBER, high=1500),
    _retry("retry.kind", Widget.CHOICE, options=("for-ever", "limited", "never")),
    _retry("retry.limit", Widget.NUMBER, low=1, high=9999, shown=lambda values: values["retry.kind"] == "limited"),
    _retry("retry_interval_s", Widget.NUMBER, low=5, high=300, shown=lambda values: values["retry.kind"] != "never"),
    _retry("hide_windows"),
    _server("server_fingerprint", Widget.TEXT),
    _server("old_tls"),
    _proxy("proxy.kind", Widget.CHOICE, options=("", "http", "socks4", "socks5")),
    _proxy("proxy.host", Widget.TEXT, shown=_has_proxy),
    _proxy("proxy.port", Widget.NUMBER, low=1, high=65535, shown=_has_proxy),
    _proxy("proxy.username", Widget.TEXT, shown=_has_proxy),
    _proxy("proxy_password", Widget.SECRET, shown=_has_proxy),
    _proxy("proxy.headers", Widget.PARAGRAPHS, shown=_has_http_proxy),
    _carriers("carriers", Widget.NUMBER, low=1, high=32),
    _carriers("carrier_interval_s", Widget.NUMBER, low=1, high=600),
    _carriers("carrier_lifetime_s", Widget.NUMBER, high=86400),
    _carriers("half_duplex"),
    _carriers("encrypt"),
    _carriers("compress"),
    _carriers("udp_acceleration"),
    _carriers("old_udp_acceleration", shown=lambda values: values["udp_acceleration"]),
    _carriers("qos"),
    _carriers("source_address", Widget.TEXT),
    _carriers("source_port", Widget.NUMBER, high=65535),
    _modes("bridge_mode"),
    _modes("monitor_mode"),
)
ELSEWHERE = {  # fields of the settings that have no row of their name, and why
    "foreign": "what a .vpn file had that is no setting here; kept for its next export",
    "proxy": "in the rows whose names begin so",
    "retry_limit": "in the rows whose names begin with retry",
}
REQUIRED = ("name", "host", "hub", "username")

_BLANK = ConnectionSettings(name="x", host="x", hub="x", username="x")
_NO_PROXY: Values = {"proxy.kind": "", "proxy.host": "", "proxy.port": 8080, "proxy.username": "", "proxy.headers": ""}


def values_of(settings: ConnectionSettings | None) -> Values:
    """What the rows show of saved settings, or for a new connection."""
    values = to_plain(settings or _BLANK)
    limit = values["retry_limit"]
    values["retry.kind"] = "for-ever" if limit is None else "limited" if limit else "never"
    values["retry.limit"] = limit or 5
    values |= _NO_PROXY
    if proxy := values["proxy"]:
        values |= {f"proxy.{name}": value for name, value in proxy.items()}
        values["proxy.headers"] = "\n".join(f"{name}: {value}" for name, value in proxy["headers"])
    if settings is None:
        values |= dict.fromkeys(REQUIRED, "")
    values |= {row.field: "" for row in TABLE if row.widget is Widget.SECRET}
    return {row.field: values[row.field] for row in TABLE}


def settings_of(values: Values, saved: ConnectionSettings | None) -> ConnectionSettings:
    """The settings of these values; what has no row is as it was.

    Raises:
        InvalidSettings: a value is not possible, alone or with the others.
    """
    base = saved or _BLANK
    names = set(ConnectionSettings.__slots__)
    plain = {row.field: values[row.field] for row in TABLE if row.field in names}
    limits = {"for-ever": None, "limited": values["retry.limit"], "never": 0}
    plain |= {
        "proxy": to_plain(_proxy_of(values)),
        "retry_limit": limits[values["retry.kind"]],
    }
    hidden = [row for row in TABLE if row.group == "group_network" and not row.shown(values)]
    plain |= {row.field: _EMPTY[row.widget] for row in hidden if row.widget in _EMPTY}
    plain["kill_switch"] = values["kill_switch"] and values["routing"] == "everything"
    settings: ConnectionSettings = from_plain(ConnectionSettings, to_plain(base) | plain)
    return settings


def _proxy_of(values: Values) -> Proxy | None:
    if not values["proxy.kind"]:
        return None
    host, port, username = (values[f"proxy.{name}"] for name in ("host", "port", "username"))
    proxy = Proxy(kind=ProxyKind(values["proxy.kind"]), host=host, port=port, username=username)
    if not _has_http_proxy(values):
        return proxy
    return with_headers(proxy, filter(str.strip, values["proxy.headers"].split("\n")))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, as an English sentence, and the fields that make it so."""

    sentence: str
    fields: frozenset[str]


def problem(values: Values, saved: ConnectionSettings | None, touched: Collection[str]) -> Problem | None:
    """What a person has to be told of; an empty field that they have not come to yet is none of it."""
    assumed = {name: "x" for name in REQUIRED if not values[name] and name not in touched}
    sentence = _refusal(values | assumed, saved)
    if not sentence:
        return None
    before = values_of(saved or _BLANK)
    guilty = [
        row.field for row in TABLE if _refusal(values | assumed | {row.field: before[row.field]}, saved) != sentence
    ]
    return Problem(sentence, frozenset(guilty))


def is_complete(values: Values, saved: ConnectionSettings | None) -> bool:
    """It can be saved."""
    return not _refusal(values, saved)


def assumed(values: Values) -> Values:
    """With something in the place of what is required and still empty, but for the server."""
    return values | {name: "-" for name in REQUIRED if name != "host" and not values[name]}


def secrets_of(values: Values) -> dict[str, str]:
    """Those that were typed, by their names among the ``Secrets``."""
    return {
        row.field: values[row.field]
        for row in TABLE
        if row.widget is Widget.SECRET and values[row.field] and row.shown(values)
    }


def lines(text: str) -> list[str]:
    """The texts in a row of several."""
    return text.replace(",", " ").split()


def _refusal(values: Values, saved: ConnectionSettings | None) -> str:
    try:
        settings_of(values, saved)
    except InvalidSettings as error:
        return str(error)
    return ""
