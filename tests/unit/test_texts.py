"""Every sentence that is said is there, and every one that is there is said."""

import ast
import string
from pathlib import Path

import pytest

import tsunagu_tray
from tsunagu.error_table import ERRORS
from tsunagu.errors import TunnelError
from tsunagu.model import Phase, State
from tsunagu_tray.connection_view import LastError
from tsunagu_tray.texts import SENTENCES, Texts

SOURCES = [path for folder in tsunagu_tray.__path__ for path in Path(folder).rglob("*.py")]


@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_is_plain_english(key: str) -> None:
    sentence = SENTENCES[key]
    said = sentence if isinstance(sentence, str) else sentence.one

    assert said.strip() == said or "cli_" in key
    assert said.isascii() or set(said) - set(string.printable) <= {"…"}


def test_every_sentence_that_is_asked_for_by_its_key_exists() -> None:
    asked = {
        (node.args[0].value, f"{path.name}:{node.lineno}")
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and "texts" in ast.unparse(node.func).rpartition(".")[2]
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }

    assert len(asked) > 100
    assert {(key, where) for key, where in asked if key not in SENTENCES} == set()


def test_every_sentence_that_is_said_exists_and_every_one_that_exists_is_said() -> None:
    words = {
        node.value
        for path in SOURCES
        if path.name not in ("texts.py", "window_texts.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    computed = (
        "state_",
        "phase_",
        "status_",
        "column_",
        "certificate_why_",
        "password_",
        "proxy_password_",
        "pin_",
        "udp_",
        "nic_",
        "doctor_is_",
        "session_status_",
        "set_",
        "choice_",
        "attempt_",
        "view_",
        "pref_",
        "list_",
        "speed_",
        "error_with_advice",
    )

    assert {key for key in SENTENCES if not key.startswith(computed)} <= words
    prefixes = {"menu", "button", "cli", "question", "window", "connected", "lost", "failed", "service", "no"}
    assert {w for w in words if w.isidentifier() and "_" in w and w.split("_")[0] in prefixes} - SENTENCES.keys() <= {
        "no_save",  # a key of the window's question
        "service_unavailable",
    }


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_state_phase_and_error_has_words(language: str) -> None:
    texts = Texts(language)

    assert all(texts.state(state, phase) for state in State for phase in Phase)
    for code, entry in ERRORS.items():
        error = LastError("X", code, str(TunnelError(code, "203.0.113.5")))
        assert texts.say(entry.sentence) in texts.error(error)
        assert str(code) in texts.error(error)
        assert "203.0.113.5" in texts.error(error)
        assert texts.advice(error)


def test_an_unknown_error_is_told_in_the_helpers_words() -> None:
    assert Texts("ja").error(LastError("BrandNew", 0, "A new sentence")) == "A new sentence"
