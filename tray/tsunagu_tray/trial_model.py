"""What came of trying a log-in, for the settings editor.  Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tsunagu.errors import Remedy, TunnelError
from tsunagu.model import AuthType, ConnectionSettings
from tsunagu_tray.connection_view import LastError
from tsunagu_tray.texts import Texts

PASSWORDS = {  # which kept secrets will do
    AuthType.PASSWORD: frozenset({"password", "hashed_password"}),
    AuthType.PLAIN_PASSWORD: frozenset({"password"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is told of it."""

    heading: str
    body: str
    facts: tuple[tuple[str, str], ...] = ()  # titles and values


def outcome(tried: Mapping[str, Any], settings: ConnectionSettings, texts: Texts) -> Outcome:
    """In words."""
    if tried["error_name"]:
        error = LastError(tried["error_name"], tried["error_code"], tried["error_text"])
        body = "\n\n".join(filter(None, (texts.error(error), texts.advice(error))))
        return Outcome(heading=texts("trial_bad"), body=body)
    product = f"{tried['server_product']} {tried['server_version']} ({tried['server_build']})"
    facts = (
        (texts("trial_server"), product),
        (texts("status_tls_version"), " ".join(filter(None, (tried["tls_version"], tried["cipher"])))),
        (texts("trial_message"), tried["message"]),
    )
    return Outcome(
        heading=texts("trial_good"),
        body=texts("trial_good_body", user=settings.username, hub=settings.hub),
        facts=tuple((title, value) for title, value in facts if value),
    )


def asks_trust(tried: Mapping[str, Any]) -> bool:
    """A person has to judge the server's certificate before more can be said."""
    code = tried["error_code"]
    return bool(code and tried["server_certificate"] and TunnelError(code).remedy is Remedy.ASK_TRUST)


def needs_password(settings: ConnectionSettings, typed: Collection[str], kept: Collection[str]) -> bool:
    """One has to be typed for the trial; ``typed``, ``kept``: names of the secrets that there are."""
    enough = PASSWORDS.get(settings.auth)
    return enough is not None and "password" not in typed and not enough.intersection(kept)
