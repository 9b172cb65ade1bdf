"""What the fuzzers begin with, and all they ever found, does no harm."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parents[1] / "fuzz/corpus"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_the_corpus_does_no_harm(target: Callable[[bytes], None]) -> None:
    files = sorted((CORPUS / target.__name__).iterdir())

    assert files
    for file in files:
        target(file.read_bytes())
