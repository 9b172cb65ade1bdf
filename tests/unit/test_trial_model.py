"""What is told of a log-in that was tried, from values."""

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes_helper import SESSION, SETTINGS
from tsunagu.errors import TunnelError
from tsunagu.model import AuthType
from tsunagu_helper.errand import Trial
from tsunagu_helper.status import trial
from tsunagu_tray.texts import Texts
from tsunagu_tray.trial_model import asks_trust, needs_password, outcome

ENGLISH = Texts("en")


def failed(code: int, detail: str = "", certificate: str = "") -> dict[str, Any]:
    return dict(trial(Trial(error=TunnelError(code, detail), certificate=certificate)))


def test_a_good_log_in_tells_whose_where_and_of_which_server() -> None:
    session = replace(SESSION, server_product="SoftEther", server_version=502, server_build=5180, message="Welcome")

    shown = outcome(dict(trial(Trial(session=session))), SETTINGS, ENGLISH)

    assert shown.heading == "The log-in works"
    assert SETTINGS.username in shown.body
    assert SETTINGS.hub in shown.body
    assert ("Server", "SoftEther 5.02 (5180)") in shown.facts
    assert ("Message", "Welcome") in shown.facts


def test_the_key_of_the_session_is_told_to_nobody() -> None:
    assert trial(Trial(session=SESSION))["session_key"] == ""


def test_a_failed_log_in_tells_code_and_advice() -> None:
    shown = outcome(failed(8), SETTINGS, ENGLISH)

    assert shown.heading == "The log-in does not work"
    assert "(error 8)" in shown.body
    assert TunnelError(8).entry.advice in shown.body
    assert shown.facts == ()


@pytest.mark.parametrize("code", [85, 106, 149])
def test_a_certificate_is_asked_about_where_it_is_known(code: int) -> None:
    assert asks_trust(failed(code, certificate="REVS"))
    assert not asks_trust(failed(code))
    assert not asks_trust(failed(9, certificate="REVS"))
    assert not asks_trust(dict(trial(Trial(session=SESSION))))


@pytest.mark.parametrize(
    ("auth", "typed", "kept", "needed"),
    [
        (AuthType.PASSWORD, (), (), True),
        (AuthType.PASSWORD, ("password",), (), False),
        (AuthType.PASSWORD, (), ("hashed_password",), False),
        (AuthType.PLAIN_PASSWORD, (), ("hashed_password",), True),
        (AuthType.PLAIN_PASSWORD, (), ("password",), False),
        (AuthType.ANONYMOUS, (), (), False),
        (AuthType.CERTIFICATE, (), (), False),
    ],
)
def test_a_password_is_asked_for_only_where_it_is_missing(
    auth: AuthType, typed: tuple[str, ...], kept: tuple[str, ...], needed: bool
) -> None:
    assert needs_password(replace(SETTINGS, auth=auth), typed, kept) is needed
