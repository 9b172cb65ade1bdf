"""What ``tsunagu set`` makes of its words."""

import pytest

from tsunagu.errors import InvalidSettings
from tsunagu.model import AuthType, ConnectionSettings, Routing
from tsunagu_tray.settings_text import changed, rows
from tsunagu_tray.texts import Texts

SETTINGS = ConnectionSettings(name="office", host="vpn.example.org", hub="VPN", username="mika")
ENGLISH = Texts("en")


def test_values_are_of_their_fields_kind() -> None:
    words = ["carriers=8", "routing=everything", "extra-networks=10.1.0.0/16,10.2.0.0/16", "compress=yes"]

    after = changed(SETTINGS, words, ENGLISH)

    assert (after.carriers, after.routing, after.compress) == (8, Routing.EVERYTHING, True)
    assert after.extra_networks == ("10.1.0.0/16", "10.2.0.0/16")
    assert changed(after, ["extra_networks=", "auth=anonymous"], ENGLISH).extra_networks == ()


def test_an_optional_number_can_be_none() -> None:
    assert changed(SETTINGS, ["retry_limit=3"], ENGLISH).retry_limit == 3
    assert changed(SETTINGS, ["retry_limit=none"], ENGLISH).retry_limit is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["carriers"], "carriers is not of the form KEY=VALUE"),
        (["speed=9"], "There is no setting speed; there are: name, host, port"),
        (["carriers=many"], "The setting carriers cannot be many; it can be: 0, 1, 2..."),
        (["routing=all"], "The setting routing cannot be all; it can be: lan, everything, none"),
        (["encrypt=maybe"], "it can be: yes, no"),
        (["carriers=99"], "The number of TCP connections must lie between 1 and 32"),
        (["extra_networks=10.1.2.3/16"], "which 10.1.2.3/16 is not"),
        (["extra_networks=0.0.0.0/0"], "which 0.0.0.0/0 is not"),
        (["mtu=100"], "The MTU, if it is not 0, must lie between 576 and 1500"),
    ],
)
def test_what_is_not_possible_has_a_sentence(words: list[str], why: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        changed(SETTINGS, words, ENGLISH)

    assert why in str(caught.value)


def test_what_is_shown_can_be_set() -> None:
    before = changed(
        SETTINGS, ["auth=plain-password", "excluded_networks=10.0.0.0/8", "encrypt=no", "retry_limit=2"], ENGLISH
    )
    shown = [f"{key}={value}" for key, value in rows(before)]

    assert changed(SETTINGS, shown, ENGLISH) == before
    assert before.auth is AuthType.PLAIN_PASSWORD
