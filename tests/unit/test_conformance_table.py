"""The table in docs/protocol.md: a run fills its own column and leaves the others."""

from pathlib import Path

from tests.lab.conformance import BEGIN, DOCUMENT, END, FEATURES, PASSED, feature_of, with_column

FIRST = next(iter(FEATURES))
LAB = Path(__file__).parents[1] / "lab"


def test_a_build_gets_its_column_beside_the_others() -> None:
    text = with_column(f"before\n{BEGIN}{END}after\n", "5.01.1", {FIRST: PASSED})
    text = with_column(text, "4.44.1", {FIRST: "**failed**"})

    lines = text.splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert lines[2] == "| Feature | 4.44.1 | 5.01.1 |"
    assert lines[4] == f"| {FIRST} | **failed** | passed |"
    assert with_column(text, "5.01.1", {FIRST: PASSED}) == text


def test_the_document_has_a_place_for_it() -> None:
    assert with_column(DOCUMENT.read_text(), "0", {})


def test_every_feature_has_tests() -> None:
    names = [
        f"tests/lab/{path.name}::{line.split('(')[0].removeprefix('def ')}"
        for path in LAB.glob("test_*.py")
        for line in path.read_text().splitlines()
        if line.startswith("def test_")
    ]
    assert {feature_of(name) for name in names} - {""} == set(FEATURES)
