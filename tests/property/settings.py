"""Arbitrary valid settings and secrets."""

from dataclasses import replace

from hypothesis import strategies as st

from tsunagu.account_file import Account
from tsunagu.control import Start
from tsunagu.der import to_pem
from tsunagu.model import (
    Addressing,
    AuthType,
    ConnectionSettings,
    HashedPassword,
    Proxy,
    ProxyKind,
    Routing,
    Secret,
    Secrets,
)

_PRINTABLE = st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"])
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_UINT32 = st.integers(0, 2**32 - 1)


def texts(maximum: int = 255) -> st.SearchStrategy[str]:
    """Names as settings allow them."""
    return st.text(_PRINTABLE, min_size=1, max_size=maximum).filter(lambda text: text == text.strip())


def hosts() -> st.SearchStrategy[str]:
    """Names and addresses."""
    labels = st.text(_LETTERS, min_size=1, max_size=20)
    names = st.lists(labels, min_size=1, max_size=4).map(".".join)
    return st.one_of(names, st.ip_addresses().map(str))


def der() -> st.SearchStrategy[bytes]:
    """An ASN.1 SEQUENCE with anything in it: what can be told of a certificate or key without a library."""
    return st.binary(max_size=600).map(_sequence)


def pem(label: str) -> st.SearchStrategy[str]:
    """One PEM block of that kind."""
    return der().map(lambda octets: to_pem(label, octets))


def passwords() -> st.SearchStrategy[Secret]:
    """Passwords."""
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=1024).map(
        Secret
    )


def hashed_passwords() -> st.SearchStrategy[HashedPassword]:
    """What servers and setting files keep; all zeros is what files have where there is none."""
    return st.binary(min_size=20, max_size=20).filter(any).map(lambda octets: HashedPassword(octets.hex()))


@st.composite
def secrets(draw: st.DrawFn) -> Secrets:
    """Any of them, with one form of the password at most."""
    password = draw(st.none() | passwords() | hashed_passwords())
    return Secrets(
        password=password if isinstance(password, Secret) else None,
        hashed_password=password if isinstance(password, HashedPassword) else None,
        private_key=draw(st.none() | pem("RSA PRIVATE KEY").map(Secret)),
        proxy_password=draw(st.none() | passwords()),
    )


@st.composite
def proxies(draw: st.DrawFn) -> Proxy:
    """Every kind of proxy."""
    kind = draw(st.sampled_from(ProxyKind))
    headers = st.tuples(st.text(_LETTERS + "-", min_size=1, max_size=20), texts(40))
    return Proxy(
        kind=kind,
        host=draw(hosts()),
        port=draw(st.integers(1, 65535)),
        username=draw(st.just("") | texts(40)),
        headers=tuple(draw(st.lists(headers, max_size=4))) if kind is ProxyKind.HTTP else (),
    )


def connection_settings() -> st.SearchStrategy[ConnectionSettings]:
    """Every field takes part."""
    return st.builds(
        ConnectionSettings,
        name=texts(),
        host=hosts(),
        port=st.integers(1, 65535),
        hub=texts(),
        username=texts(),
        auth=st.sampled_from(AuthType),
        carriers=st.integers(1, 32),
        addressing=st.sampled_from([Addressing.DHCP, Addressing.NONE]),
        retry_limit=st.none() | _UINT32,
        retry_interval_s=st.integers(5, 300),
        hide_windows=st.booleans(),
        server_fingerprint=st.just("") | st.binary(min_size=32, max_size=32).map(bytes.hex),
        client_certificate=st.lists(pem("CERTIFICATE"), max_size=3).map("".join),
        card_certificate=st.just("") | texts(),
        card_key=st.just("") | texts(),
        card_module=st.sampled_from(["", "/usr/lib/softhsm/libsofthsm2.so"]),
        proxy=st.none() | proxies(),
        encrypt=st.booleans(),
        compress=st.booleans(),
        half_duplex=st.booleans(),
        qos=st.booleans(),
        bridge_mode=st.booleans(),
        monitor_mode=st.booleans(),
        carrier_interval_s=st.integers(1, 2**32 - 1),
        carrier_lifetime_s=_UINT32,
        udp_acceleration=st.booleans(),
        old_udp_acceleration=st.booleans(),
        source_address=st.just("") | st.ip_addresses().map(str),
        source_port=st.integers(0, 65535),
        old_tls=st.booleans(),
        routing=st.sampled_from([Routing.LAN, Routing.NONE]),
        foreign=st.just("") | texts(),
    )


_NOT_IN_FILES = (
    *("addressing", "old_tls", "old_udp_acceleration", "server_fingerprint", "foreign", "card_module"),
    *("extra_networks", "excluded_networks", "allow_lan", "mtu"),
)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """What a setting file can hold: no other field is set, and secrets are those of the kind of authentication."""
    settings = draw(connection_settings())
    auth = settings.auth
    is_card, is_certificate = auth is AuthType.SMART_CARD, auth is AuthType.CERTIFICATE
    fresh = ConnectionSettings(name="x", host="x", hub="x", username="x")
    settings = replace(
        settings,
        **{name: getattr(fresh, name) for name in _NOT_IN_FILES},
        client_certificate=draw(st.just("") | pem("CERTIFICATE")) if is_certificate else "",
        card_certificate=settings.card_certificate if is_card else "",
        card_key=settings.card_key if is_card else "",
        source_address=settings.source_address if settings.source_address.strip("0.:") else "",
        retry_limit=None if settings.retry_limit == 2**32 - 1 else settings.retry_limit,
    )
    return Account(
        settings=settings,
        secrets=Secrets(
            password=draw(st.none() | passwords()) if auth is AuthType.PLAIN_PASSWORD else None,
            hashed_password=draw(st.none() | hashed_passwords()) if auth is AuthType.PASSWORD else None,
            private_key=draw(st.none() | pem("RSA PRIVATE KEY").map(Secret)) if is_certificate else None,
            proxy_password=draw(st.none() | passwords()) if settings.proxy else None,
        ),
    )


def starts() -> st.SearchStrategy[Start]:
    """The first message to a worker."""
    return st.builds(
        Start,
        settings=connection_settings(),
        secrets=secrets(),
        mac=st.just("5e:00:00:00:00:01"),
        accepted_fingerprint=st.just(""),
        machine_id=st.just("0" * 32),
        previous_address=st.just(""),
    )


def _sequence(content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((0x30, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x30, 0x80 | len(length))) + length + content
