"""Whatever a proxy says, and however it is cut."""

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from tsunagu.errors import TunnelError
from tsunagu_tunnel.proxy import Dialogue, HttpDialogue, Socks4Dialogue, Socks5Dialogue, Target

TARGET = Target("192.0.2.7", 443)
LANGUAGES: list[tuple[Callable[[], Dialogue], bytes]] = [
    (lambda: HttpDialogue(TARGET), b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"),
    (lambda: Socks4Dialogue(TARGET), b"\0\x5a\0\0\0\0\0\0"),
    (lambda: Socks5Dialogue(TARGET, username="mika", password="x"), b"\5\2\1\0\5\0\0\3\3abc\0\0"),
    (lambda: Socks5Dialogue(TARGET), b"\5\0\5\0\0\4" + bytes(18)),
]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in pairwise(at)]


def outcome(dialogue: Dialogue, parts: list[bytes]) -> int | bool:
    """Whether the way is open, or the error's number."""
    is_open = False
    try:
        for part in parts:
            assert not is_open
            is_open = dialogue.receive_data(part)
    except TunnelError as error:
        if error.code not in (1, 18, 19):
            raise
        return error.code
    return is_open


@given(st.sampled_from(LANGUAGES), st.lists(st.integers(0, 100)))
def test_the_way_opens_with_the_last_octet_however_the_answer_is_cut(
    language: tuple[Callable[[], Dialogue], bytes], cuts: list[int]
) -> None:
    make, answer = language

    assert outcome(make(), pieces(answer, cuts)) is True
    assert outcome(make(), pieces(answer[:-1], cuts)) is False


@given(st.sampled_from(LANGUAGES), st.integers(0), st.binary(min_size=1, max_size=4), st.lists(st.integers(0, 100)))
@example(LANGUAGES[0], 9, b"407", [])
def test_a_corrupted_answer_ends_in_an_error_of_the_table_or_waits(
    language: tuple[Callable[[], Dialogue], bytes], place: int, nonsense: bytes, cuts: list[int]
) -> None:
    make, answer = language
    octets = bytearray(answer)
    place %= len(octets)
    octets[place : place + len(nonsense)] = nonsense

    with suppress(AssertionError):  # open already, and more comes: the caller does not listen any more
        outcome(make(), pieces(bytes(octets), cuts))


@given(st.sampled_from(LANGUAGES), st.binary(min_size=1, max_size=60))
def test_random_octets_open_no_way_by_chance(language: tuple[Callable[[], Dialogue], bytes], data: bytes) -> None:
    make, answer = language

    assert outcome(make(), [data]) is not True or data[:2] == answer[:2]
