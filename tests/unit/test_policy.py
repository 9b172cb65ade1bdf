"""The security policy is complete, and a newer server's is shown all the same."""

import pytest

from tsunagu.policy import POLICY, Unit, items
from tsunagu_tray.report import policy_rows, policy_to_plain
from tsunagu_tray.texts import Texts

OF_THE_REFERENCE_SERVER = """
    Access DHCPFilter DHCPNoServer DHCPForce NoBridge NoRouting CheckMac CheckIP ArpDhcpOnly PrivacyFilter NoServer
    NoBroadcastLimiter MonitorPort MaxConnection TimeOut MaxMac MaxIP MaxUpload MaxDownload FixPassword MultiLogins
    NoQoS RSandRAFilter RAFilter DHCPv6Filter DHCPv6NoServer NoRoutingV6 CheckIPv6 NoServerV6 MaxIPv6 NoSavePassword
    AutoDisconnect FilterIPv4 FilterIPv6 FilterNonIP NoIPv6DefaultRouterInRA NoIPv6DefaultRouterInRAWhenIPv6 VLanId
"""  # in its order
NUMBERS = {
    "MaxConnection": Unit.COUNT,
    "TimeOut": Unit.SECONDS,
    "MaxMac": Unit.COUNT,
    "MaxIP": Unit.COUNT,
    "MaxUpload": Unit.BITS,
    "MaxDownload": Unit.BITS,
    "MultiLogins": Unit.COUNT,
    "MaxIPv6": Unit.COUNT,
    "AutoDisconnect": Unit.SECONDS,
    "VLanId": Unit.NUMBER,
}


def test_every_value_of_the_reference_server_has_its_row_and_unit() -> None:
    assert list(POLICY) == OF_THE_REFERENCE_SERVER.split()
    assert len(POLICY) == 38
    assert {key: item.unit for key, item in POLICY.items() if item.unit is not Unit.SWITCH} == NUMBERS


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_row_is_told_by_a_name_of_its_own(language: str) -> None:
    told = [Texts(language).of_policy(item) for item in POLICY.values()]

    assert len({name for name, _ in told}) == 38
    assert all(meaning.isascii() is (language == "en") for _, meaning in told)


def test_it_is_shown_in_order_with_what_is_unknown_last() -> None:
    policy = {"Ver3": 1, "MaxWishes": 3, "TimeOut": 20, "Access": 1}

    assert [(item.key, value) for item, value in items(policy)] == [("Access", 1), ("TimeOut", 20), ("MaxWishes", 3)]


def test_people_see_units_and_a_dash_for_what_is_off() -> None:
    policy = {"Access": 1, "NoBridge": 0, "TimeOut": 20, "MaxUpload": 1_000_000, "MaxMac": 0, "MaxIP": 5}

    rows = {name: value for name, value, _ in policy_rows(policy, Texts("en"))}

    assert list(rows.values()) == ["Enabled", "-", "20 s", "-", "5", "1,000,000 bit/s"]
    assert next(policy_rows(policy, Texts("ja")))[1] == "有効"


def test_scripts_see_values_and_words() -> None:
    [access, limit] = policy_to_plain({"Access": 1, "MaxUpload": 9}, Texts("en"))

    assert access == {
        "key": "Access", "value": True, "unit": "switch", "name": "Access", "meaning": "The user may connect"
    }  # fmt: skip
    assert (limit["value"], limit["unit"]) == (9, "bit/s")
