"""The official client's commands: words, settings and tables."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu import account_file
from tsunagu.account_file import Account
from tsunagu.model import AuthType, ConnectionSettings, Proxy, ProxyKind, Routing
from tsunagu_tray.vpncmd_deeds import COMMANDS, OTHERS
from tsunagu_tray.vpncmd_nics import mac
from tsunagu_tray.vpncmd_settings import CHANGES, created, destination, nic_name, rows
from tsunagu_tray.vpncmd_words import Refused, as_csv, as_table, meant, options_of, split, understand

OFFICE = created("office", {"SERVER": "vpn.example.org:992", "HUB": "DEMO", "USERNAME": "mika", "NICNAME": "vpn"})


def changed(line: str, settings: ConnectionSettings = OFFICE) -> ConnectionSettings:
    command, *rest = split(line)
    change = CHANGES[command]
    return change.apply(settings, options_of(understand(rest), change.required, change.optional))


def test_a_line_is_words_and_options_and_quotation_marks_hold_them_together() -> None:
    words = understand(split('AccountCreate "my office" /SERVER:[::1]:443 -hub:DEMO /USERNAME:"mika a" /tmp/x.vpn'))

    assert words.alone == ("AccountCreate", "my office", "/tmp/x.vpn")
    assert words.options == {"SERVER": "[::1]:443", "HUB": "DEMO", "USERNAME": "mika a"}


def test_names_may_be_shortened_as_long_as_they_are_clear() -> None:
    names = ["AccountList", "AccountDetailSet", "AccountDelete", "About"]

    assert meant("accountl", names) == "AccountList"
    with pytest.raises(Refused, match=r"AccountDelete, AccountDetailSet") as several:
        meant("AccountDe", names)
    with pytest.raises(Refused, match="not found"):
        meant("Dance", names)
    assert several.value.code == 117


def test_a_missing_or_unknown_parameter_is_named() -> None:
    with pytest.raises(Refused, match="/HUB is missing"):
        options_of(understand(["/SERVER:a"]), ("SERVER", "HUB"))
    with pytest.raises(Refused, match="no parameter /COLOUR"):
        options_of(understand(["/COLOUR:red"]), ())


@given(st.text())
def test_any_line_is_taken(line: str) -> None:
    understand(split(line))


def test_every_official_command_is_done_or_said_not_to_be() -> None:
    assert len({*CHANGES, *COMMANDS, *OTHERS}) == len(CHANGES) + len(COMMANDS) + len(OTHERS) == 75
    assert all(sentence.endswith(".") and " " in sentence for sentence in OTHERS.values())


@pytest.mark.parametrize("text", ["5E-00-01-02-03-04", "5e:00:01:02:03:04", "5E0001020304"])
def test_a_mac_address_may_be_written_in_three_ways(text: str) -> None:
    assert mac(text) == "5e:00:01:02:03:04"


@pytest.mark.parametrize("text", ["", "zz", "5E-00-01-02-03", "5E-00-01-02-03-04-05"])
def test_what_is_no_mac_address_has_the_official_number(text: str) -> None:
    with pytest.raises(Refused) as refused:
        mac(text)

    assert refused.value.code == 38


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("vpn.example.org", "vpn.example.org", 443),
        ("vpn.example.org:992", "vpn.example.org", 992),
        ("vpn.example.org/10.0.0.1:992", "vpn.example.org", 992),
        ("[2001:db8::1]:992", "2001:db8::1", 992),
        ("2001:db8::1", "2001:db8::1", 443),
    ],
)
def test_destinations(text: str, host: str, port: int) -> None:
    assert destination(text) == (host, port)


def test_a_script_makes_the_settings_it_names() -> None:
    office = changed("AccountPasswordSet office /PASSWORD:x /TYPE:radius")
    office = changed("AccountProxyHttp office /SERVER:10.0.0.1:8080 /USERNAME:jun", office)
    office = changed("AccountHttpHeaderAdd office /NAME:X-A /DATA:7", office)
    office = changed("AccountRetrySet office /NUM:999 /INTERVAL:20", office)
    office = changed("AccountStartupSet office", changed("AccountStatusHide office", office))

    assert office.auth is AuthType.PLAIN_PASSWORD
    assert office.proxy == Proxy(
        kind=ProxyKind.HTTP, host="10.0.0.1", port=8080, username="jun", headers=(("X-A", "7"),)
    )
    assert (office.retry_limit, office.retry_interval_s, office.connect_at_start) == (None, 20, True)
    assert office.hide_windows
    assert changed("AccountHttpHeaderDelete office /NAME:x-a", office).proxy.headers == ()  # type: ignore[union-attr]  # there is one


def test_no_adjustment_of_the_routing_table_means_no_routes() -> None:
    details = "AccountDetailSet office /MAX:8 /INT:1 /TTL:0 /HALF:no /BRIDGE:no /MON:no /NOQOS:no /NOTRACK:"
    everything = replace(OFFICE, routing=Routing.EVERYTHING)

    alone = changed(details + "yes")

    assert alone.routing is Routing.NONE
    assert ("No Adjustment for Routing Table", "Enable") in rows(alone)
    assert changed(details + "no", alone).routing is Routing.LAN
    assert changed(details + "no", everything).routing is Routing.EVERYTHING


def test_the_nics_name_is_kept_for_the_official_client() -> None:
    office = changed("AccountNicSet office /NICNAME:vpn7")

    assert nic_name(office) == "vpn7"
    written = account_file.parse(account_file.serialise(Account(settings=office)))
    assert nic_name(written.settings) == "vpn7"


@pytest.mark.parametrize(
    "line",
    [
        "AccountServerCertDisable office",
        "AccountDefaultCADisable office",
        "AccountRetryOnServerCertEnable office",
        "AccountHttpHeaderAdd office /NAME:a /DATA:b",
    ],
)
def test_what_tsunagu_does_not_do_is_refused_as_unsupported(line: str) -> None:
    with pytest.raises(Refused) as refused:
        changed(line)

    assert refused.value.code == 33


@pytest.mark.parametrize(
    "line",
    [
        "AccountRetrySet office /NUM:5 /INTERVAL:1",
        "AccountSet office /SERVER:h:99999 /HUB:x",
        "AccountPasswordSet office /PASSWORD:x /TYPE:magic",
        "AccountDetailSet office /MAX:8 /INT:1 /TTL:0 /HALF:perhaps /BRIDGE:no /MON:no /NOTRACK:no /NOQOS:no",
    ],
)
def test_impossible_values_have_the_official_number(line: str) -> None:
    with pytest.raises(Refused) as refused:
        changed(line)

    assert refused.value.code == 38


def test_tables_look_as_the_official_ones() -> None:
    table = list(rows(OFFICE))

    assert as_csv(("Item", "Value"), table).splitlines()[:2] == ["Item,Value", "VPN Connection Setting Name,office"]
    head, line, first = as_table(("Item", "Value"), table).splitlines()[:3]
    assert (head.index("|"), line.index("+"), first.index("|")) == (53, 53, 53)
    assert as_table(("A", "B", "C"), [("1", "2", "3")]).splitlines()[2:] == ["A   |1", "B   |2", "C   |3"]
    assert as_table(("Item",), [("X-A: 7",)]) == "Item\n------\nX-A: 7\n"
