"""Whatever a lease says, what root applies of it obeys the rules."""

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from tsunagu.errors import NoAddress
from tsunagu.model import ConnectionSettings, Lease
from tsunagu_helper.lease_policy import Network, plan

SETTINGS = ConnectionSettings(name="office", host="vpn.example.org", hub="VPN", username="mika")
FORBIDDEN = [IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")]

# Close together, so that gateways, routes and servers meet often, and then anything at all
addresses = st.one_of(
    st.integers(0, 300).map(lambda n: str(IPv4Address("192.168.76.200") + n)),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.text(max_size=20),
)
networks = st.one_of(
    st.tuples(addresses, st.integers(-1, 34)).map(lambda pair: f"{pair[0]}/{pair[1]}"), st.text(max_size=20)
)
leases = st.builds(
    Lease,
    address=addresses,
    prefix_length=st.one_of(st.sampled_from([16, 24, 30, 31, 32]), st.integers()),
    server=addresses,
    lifetime_s=st.integers(),
    router=addresses,
    routes=st.lists(st.tuples(networks, addresses), max_size=3).map(tuple)
    | st.lists(st.tuples(networks, st.sampled_from(["", "0.0.0.0"])), max_size=70).map(tuple),
    mtu=st.one_of(st.just(0), st.integers()),
)


def contains(network: Network, text: str) -> bool:
    try:
        return IPv4Address(text) in network
    except ValueError:
        return False


@given(leases, addresses)
def test_a_plan_obeys_the_rules_whatever_the_lease(lease: Lease, server: str) -> None:
    try:
        wanted = plan(lease, SETTINGS, server)
    except NoAddress:
        return

    assert str(wanted.addresses[0].ip) == lease.address
    assert 8 <= wanted.addresses[0].network.prefixlen <= 32
    assert not any(wanted.addresses[0].ip in network for network in FORBIDDEN)
    assert 576 <= wanted.mtu <= 1500
    assert len(wanted.routes) <= 65
    assert len({route.network for route in wanted.routes}) == len(wanted.routes)
    for route in wanted.routes:
        assert route.network.prefixlen >= 8
        assert not any(route.network.overlaps(network) for network in FORBIDDEN)
        assert route.gateway is None or route.gateway in wanted.addresses[0].network
        assert str(wanted.addresses[0].ip) != server
        assert not contains(route.network, server)
    if any(route.gateway for route in wanted.routes):
        assert wanted.routes[0].gateway is None
        assert wanted.addresses[0].network in [route.network for route in wanted.routes]
