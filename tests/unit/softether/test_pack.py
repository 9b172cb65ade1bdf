"""Packs: recorded ones, and what is refused."""

import pytest

from tests.unit.softether.recorded import RecordedPack, recorded_packs
from tsunagu_tunnel.softether.errors import ProtocolError
from tsunagu_tunnel.softether.pack import Element, Kind, Pack


@pytest.mark.parametrize("recorded", recorded_packs(), ids=repr)
def test_a_recorded_pack_says_what_it_said_and_encodes_to_the_same_octets(recorded: RecordedPack) -> None:
    pack = Pack.decode(recorded.octets)

    found = [(e.name, e.kind.name.lower(), [v.hex() if isinstance(v, bytes) else v for v in e.values]) for e in pack]
    assert found == recorded.elements
    assert pack.encode() == recorded.octets


def test_every_kind_of_value_survives_the_way() -> None:
    pack = Pack()
    pack.add_int("port", 443, 992)
    pack.add_data("key", b"", b"\0\xff")
    pack.add_str("name", "ünï", "")
    pack.add(Element("wide", Kind.UNISTR, ("日本",)))
    pack.add(Element("long", Kind.INT64, (2**64 - 1,)))

    again = Pack.decode(pack.encode())

    assert again == pack
    assert again.get_ints("PORT") == (443, 992)
    assert again.get_str("wide") == "日本"


def test_a_wide_string_ends_with_a_nul_that_its_length_counts() -> None:
    pack = Pack()
    pack.add(Element("w", Kind.UNISTR, ("ab",)))

    assert pack.encode().endswith(b"\0\0\0\x03ab\0")


def test_what_is_missing_or_of_another_type_reads_as_nothing() -> None:
    pack = Pack()
    pack.add_str("text", "7")

    assert pack.get_int("text") == pack.get_int("missing") == 0
    assert pack.get_data("text") == b""
    assert pack.get_str("missing") == ""


def test_addresses_are_little_endian_ints_or_ipv6_arrays() -> None:
    pack = Pack()
    pack.add_int("Ip", 0x0163630A)
    pack.add_int("Six@ipv6_bool", 1)
    pack.add_data("Six@ipv6_array", bytes(15) + b"\x01")

    assert pack.get_ip("Ip") == "10.99.99.1"
    assert pack.get_ip("Six") == "::1"
    assert pack.get_ip("missing") == "0.0.0.0"


@pytest.mark.parametrize(
    "element",
    [
        Element("NAME", Kind.INT, (1,)),  # there already, in small letters
        Element("empty", Kind.INT, ()),
        Element("n" * 64, Kind.INT, (1,)),
    ],
)
def test_an_element_that_would_spoil_the_pack_is_refused(element: Element) -> None:
    pack = Pack()
    pack.add_int("name", 1)

    with pytest.raises(ProtocolError):
        pack.add(element)


def test_a_pack_holds_a_bounded_number_of_values_over_all_its_elements() -> None:
    pack = Pack()
    pack.add_int("a", *range(40_000))
    pack.add_int("b", *range(40_000))

    with pytest.raises(ProtocolError, match="more than it may hold"):
        Pack.decode(pack.encode())


GOOD = "00000001 00000002 61 00000000 00000001 00000007"


@pytest.mark.parametrize(
    "octets",
    [
        "",
        GOOD[:-2],
        GOOD + "00",
        "ffffffff" + GOOD[8:],  # elements without end
        "00000001 00000000 00000000 00000001 00000007",  # a name of -1 octets
        "00000001 00000042" + "61" * 65 + "00000000 00000001 00000007",
        "00000001 00000002 61 00000005 00000001 00000007",  # type 5
        "00000001 00000002 61 00000000 00000000",  # no value
        "00000001 00000002 61 00000000 ffffffff 00000007",
        "00000001 00000002 61 00000001 00000001 ffffffff",
        "00000002" + GOOD[8:] + GOOD[8:].replace("61", "41"),  # a and A
    ],
)
def test_a_broken_pack_is_a_protocol_error(octets: str) -> None:
    assert Pack.decode(bytes.fromhex(GOOD)).get_int("A") == 7

    with pytest.raises(ProtocolError) as caught:
        Pack.decode(bytes.fromhex(octets))

    assert caught.value.code == 4


def test_a_number_of_64_bits_is_none_where_32_are_expected() -> None:
    pack = Pack()
    pack.add(Element("timeout", Kind.INT64, (2**64 - 1,)))

    assert pack.get_int("timeout") == 0
