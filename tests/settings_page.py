"""``docs/settings.md``: what the official client's users know, and every setting, in the window and in the terminal.

``{key}`` in the table is what the window shows, in the reader's language.
"""

import re
from dataclasses import MISSING, fields

from tsunagu.model import ConnectionSettings
from tsunagu_tray.settings_table import ELSEWHERE, TABLE, Setting, Widget
from tsunagu_tray.settings_text import as_text
from tsunagu_tray.texts import Texts

ENGLISH, JAPANESE = Texts(), Texts("ja")
BY_ITSELF = "–"
OTHERWISE = {  # where the terminal has something else than KEY=VALUE with the setting's own name
    "password": ("`tsunagu password`", ""),
    "client_certificate": ("`tsunagu certificate`", ""),
    "retry.kind": ("`retry_limit=`", "`none` (without end), `0` (never), or a number; `none`"),
    "retry.limit": ("`retry_limit=`", "1 to 9999"),
    "proxy.kind": ("`proxy=`", "`none`, `system`, `http://USER@HOST:PORT`, `socks4://…`, `socks5://…`; `none`"),
    "proxy.host": ("`proxy=`", ""),
    "proxy.port": ("`proxy=`", "1 to 65535"),
    "proxy.username": ("`proxy=`", ""),
    "proxy.headers": ("`tsunagu add --proxy-header`", "several"),
    "proxy_password": ("`tsunagu password --proxy`", ""),
}

# What the official client has that matters on a Linux desktop: (what, in the window, in the terminal).
OFFICIAL: tuple[tuple[str, str, str], ...] = (
    ("Client service and manager", "{act_about}", "`tsunagu doctor`"),
    ("List with status, server, hub, adapter", "{list_name}", "`tsunagu list`"),
    (
        "Create, copy, rename, delete, properties",
        "{act_new}, {act_duplicate}, {act_rename}, {act_delete}, {act_edit}",
        "`tsunagu add`, `duplicate`, `rename`, `remove`, `show`, `set`",
    ),
    (
        "Host name, port, virtual hub, list of the hubs",
        "{set_host}, {set_port}, {set_hub}, {hubs_choose}",
        "`host=`, `port=`, `hub=`, `tsunagu hubs`",
    ),
    ("Disable NAT-T", BY_ITSELF, "never used, so there is nothing to disable"),
    (
        "Proxy with password and headers; the system's",
        "{set_proxy_kind}, {set_proxy_password}, {set_proxy_headers}, {set_system_proxy}",
        "`proxy=`, `tsunagu password --proxy`, `add --proxy-header`",
    ),
    ("Always verify the server certificate", BY_ITSELF, "always done"),
    ("Trusted authorities of one's own", "{act_preferences}: {pref_authorities_group}", "`tsunagu ca`"),
    ("Individual certificate of a server", "{set_server_fingerprint}", "`server_fingerprint=`, `tsunagu trust`"),
    ("Question about an unknown certificate", "{certificate_heading}", "`tsunagu trust`"),
    ("Network adapter to use", "{set_interface}", "`interface=`"),
    (
        "Adapters: create, delete, rename, MAC address, disable",
        "{set_interface}, {set_mac}, {set_nic_enabled}",
        "`tsunagu nic`, `interface=`, `mac=`, `nic_enabled=`",
    ),
    (
        "User authentication: anonymous, standard password, RADIUS or NT domain, certificate, smart card",
        "{set_auth}, {set_username}, {set_password}, {set_client_certificate}",
        "`auth=`, `username=`, `tsunagu password`, `certificate`",
    ),
    (
        "Smart card: device and objects",
        "{set_card_module}, {set_card_certificate}, {set_card_key}",
        "`card_module=`, `card_certificate=`, `card_key=`",
    ),
    ("Change one's password on the server", "{act_passwd}", "`tsunagu passwd`"),
    (
        "Reconnect: whether, how often, interval",
        "{set_retry_kind}, {set_retry_limit}, {set_retry_interval_s}",
        "`retry_limit=`, `retry_interval_s=`",
    ),
    ("Hide status and error windows", "{set_hide_windows}", "`hide_windows=`"),
    (
        "Hide the windows about IP addresses",
        "{act_preferences}: {pref_notifications}",
        "`tsunagu preferences`",
    ),
    (
        "TCP connections: number, interval, lifetime, half-duplex",
        "{set_carriers}, {set_carrier_interval_s}, {set_carrier_lifetime_s}, {set_half_duplex}",
        "`carriers=`, `carrier_interval_s=`, `carrier_lifetime_s=`, `half_duplex=`",
    ),
    (
        "Encryption, compression, UDP acceleration, VoIP/QoS",
        "{set_encrypt}, {set_compress}, {set_udp_acceleration}, {set_qos}",
        "`encrypt=`, `compress=`, `udp_acceleration=`, `qos=`",
    ),
    ("Bridge/router mode, monitoring mode", "{set_bridge_mode}, {set_monitor_mode}", "`bridge_mode=`, `monitor_mode=`"),
    ("Source address and port", "{set_source_address}, {set_source_port}", "`source_address=`, `source_port=`"),
    ("No adjustment of the routing table", "{set_routing}: {choice_routing_none}", "`routing=none`"),
    ("Routing-table tracking", BY_ITSELF, "always done"),
    (
        "Connect, disconnect, disconnect all",
        "{act_connect}, {act_disconnect}, {menu_disconnect_all}",
        "`tsunagu connect`, `disconnect`, `disconnect --all`",
    ),
    (
        "Status, security policy, certificates",
        "{act_details}, {view_policy}, {view_server_certificate}, {view_client_certificate}",
        "`tsunagu status`, `policy`",
    ),
    (
        "Error with code, countdown, retry",
        "{attempt_retry}, {attempt_hide}, {attempt_explain}",
        "`tsunagu connect --wait`, `log`",
    ),
    (
        "Password again after a refusal, not to be saved",
        "{password_label}, {password_no_save}",
        "`tsunagu connect --wait`",
    ),
    ("Message of the hub", "{message_title}", "`tsunagu status`"),
    ("Startup connection", "{set_connect_at_start}", "`connect_at_start=`"),
    ("Export and import (.vpn)", "{act_export}, {act_import}", "`tsunagu export`, `import`"),
    ("Shortcut that connects", BY_ITSELF, "`tsunagu connect NAME` in a launcher"),
    ("Icon and its menu", "{act_preferences}: {pref_icon_group}", "`tsunagu preferences`"),
    ("Settings lock, easy mode", BY_ITSELF, "rules of polkit; see [Security](security.md)"),
    ("Status of the network adapters", "{act_details}: {details_network}", "`tsunagu nic list`"),
    ("Throughput test", "{act_details}: {view_measure}", "`tsunagu speed`, `speed-server`"),
    ("Language", BY_ITSELF, "that of the desktop (LANG, LANGUAGE)"),
    ("Sleep of the computer", BY_ITSELF, "connections end before and are back after it"),
)


def settings() -> str:
    """The page."""
    text = """\
# Settings

What a word in the window is called in the terminal, and the other way round. `KEY=` stands for
`tsunagu set NAME KEY=VALUE`; `tsunagu show NAME` has all of them with their values.

## Known from the official client

| the official client | in the window | 画面 | in the terminal |
| --- | --- | --- | --- |
"""
    for what, window, terminal in OFFICIAL:
        text += f"| {what} | {_shown(window, ENGLISH)} | {_shown(window, JAPANESE)} | {terminal} |\n"
    text += """
## Everything a connection has

| in the window | 画面 | in the terminal | values; as it comes |
| --- | --- | --- | --- |
"""
    for row in TABLE:
        text += f"| {' | '.join((_place(row, ENGLISH), _place(row, JAPANESE), *_terminal(row)))} |\n"
    text += "\nWithout a row of its own: " + "; ".join(f"`{name}`, {why}" for name, why in ELSEWHERE.items()) + ".\n"
    return text


def _shown(window: str, texts: Texts) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: _words(found[1], texts), window)


def _words(key: str, texts: Texts) -> str:
    """Without what marks a button's key."""
    return re.sub(r"\(_\w\)|_", "", texts(key, name="…")).rstrip("…")


def _place(row: Setting, texts: Texts) -> str:
    """The page of the settings editor, the group on it, the name."""
    page = "set_advanced" if row.advanced else "set_basic"
    return " › ".join(_words(key, texts) for key in (page, row.group, row.words))


def _terminal(row: Setting) -> tuple[str, str]:
    """How it is set, and to what."""
    if row.field in OTHERWISE:
        return OTHERWISE[row.field]
    default = next(field.default for field in fields(ConnectionSettings) if field.name == row.field)
    possible = {
        Widget.CHOICE: ", ".join(f"`{option}`" for option in row.options),
        Widget.SWITCH: "`yes`, `no`",
        Widget.NUMBER: f"{row.low} to {row.high}",
        Widget.LINES: "several, with commas between",
    }.get(row.widget, "")
    preset = "" if default is MISSING else as_text(default)
    return f"`{row.field}=`", "; ".join(filter(None, (possible, preset and f"`{preset}`")))
