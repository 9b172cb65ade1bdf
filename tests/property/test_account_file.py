"""Setting files: nothing is lost on the way, and no octets do harm."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.property.settings import accounts
from tsunagu.account_file import Account, parse, serialise
from tsunagu.setting_text import InvalidFile

RECORDED = [path.read_bytes() for path in sorted(Path(__file__).parents[1].glob("recorded/vpn-files/*.vpn"))]
PIECES = [
    *(b"$", b"$00", b"$zz", b"{", b"}", b"\n", b"\r\n", b"\t", b"#", b"declare x", b"uint Port 70000", b"\xff", b"\0"),
    *(b"string Username $", b"bool UseEncrypt 7", b"byte ServerCert MAA=", b"uint AuthType 3", b"uint ProxyType 1"),
]


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """A real file with some places cut out, doubled or overwritten."""
    text = draw(st.sampled_from(RECORDED))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 80)))
        piece = draw(st.sampled_from([b"", text[start:end] * 2, *PIECES]) | st.binary(max_size=8))
        text = text[:start] + piece + text[end:]
    return text


@given(accounts())
def test_an_account_comes_out_of_its_file_as_it_went_in(account: Account) -> None:
    read = parse(serialise(account))

    assert replace(read, settings=replace(read.settings, foreign="")) == account


@given(accounts())
def test_a_file_written_again_is_the_same(account: Account) -> None:
    text = serialise(account)

    assert serialise(parse(text)) == text


@given(mutated_files() | st.binary(max_size=200))
def test_a_damaged_file_is_an_account_or_refused_with_the_line(text: bytes) -> None:
    refused = None
    try:
        account = parse(text)
    except InvalidFile as error:
        refused = error

    if refused is None:
        again = serialise(account)
        assert serialise(parse(again)) == again
    else:
        assert 1 <= refused.line <= text.count(b"\n") + 1
        assert str(refused).startswith(f"Line {refused.line}: ")
