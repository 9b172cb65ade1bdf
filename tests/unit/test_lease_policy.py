"""What root makes of a lease: sane ones are applied, the rest is left out or refused."""

import dataclasses
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from tsunagu.errors import InvalidSettings, NoAddress
from tsunagu.model import Addressing, ConnectionSettings, Dns, Ipv6, Lease, Routing
from tsunagu_helper.lease_policy import DnsPlan, Everything, Route, link_local_address, plan, without_lease

SETTINGS = ConnectionSettings(name="office", host="vpn.example.org", hub="VPN", username="mika")
LEASE = Lease(address="192.168.77.23", prefix_length=24, server="192.168.77.1", lifetime_s=3600)


def routes_of(lease: Lease, server_address: str = "") -> list[str]:
    return [str(route) for route in plan(lease, SETTINGS, server_address).routes]


def with_route(network: str, gateway: str) -> Lease:
    return dataclasses.replace(LEASE, routes=((network, gateway),))


def test_a_plain_lease_gives_its_address_its_network_and_nothing_else() -> None:
    wanted = plan(LEASE, SETTINGS)

    assert wanted.addresses[0] == IPv4Interface("192.168.77.23/24")
    assert [str(route) for route in wanted.routes] == ["192.168.77.0/24"]
    assert wanted.mtu == 1500


def test_classless_routes_are_applied_after_the_network_that_leads_to_their_gateway() -> None:
    lease = dataclasses.replace(LEASE, routes=(("10.0.0.0/8", "192.168.77.1"), ("172.16.5.9/16", "192.168.77.2")))

    assert routes_of(lease) == ["192.168.77.0/24", "10.0.0.0/8 via 192.168.77.1", "172.16.0.0/16 via 192.168.77.2"]


@pytest.mark.parametrize("gateway", ["", "0.0.0.0"])
def test_a_route_without_gateway_is_one_to_neighbours(gateway: str) -> None:
    assert routes_of(with_route("192.168.78.0/24", gateway)) == ["192.168.77.0/24", "192.168.78.0/24"]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2"])
def test_a_lease_cannot_ask_for_all_traffic(network: str) -> None:
    assert routes_of(with_route(network, "192.168.77.1")) == ["192.168.77.0/24"]


def test_the_router_alone_makes_no_route() -> None:
    assert routes_of(dataclasses.replace(LEASE, router="192.168.77.1")) == ["192.168.77.0/24"]


def test_the_first_of_two_routes_to_one_network_counts() -> None:
    lease = dataclasses.replace(LEASE, routes=(("10.0.0.0/8", "192.168.77.1"), ("10.0.0.0/8", "192.168.77.2")))

    assert routes_of(lease) == ["192.168.77.0/24", "10.0.0.0/8 via 192.168.77.1"]


def test_no_route_leads_the_servers_own_address_into_the_tunnel() -> None:
    lease = with_route("10.0.0.0/8", "192.168.77.1")

    assert routes_of(lease, server_address="10.1.2.3") == ["192.168.77.0/24"]
    assert routes_of(lease, server_address="vpn.example.org") == ["192.168.77.0/24", "10.0.0.0/8 via 192.168.77.1"]


def test_a_server_that_the_settings_name_by_address_counts_too() -> None:
    settings = dataclasses.replace(SETTINGS, host="10.1.2.3")

    assert [str(route) for route in plan(with_route("10.0.0.0/8", "192.168.77.1"), settings).routes] == [
        "192.168.77.0/24"
    ]


def test_a_hub_in_the_servers_own_network_gets_an_address_but_no_route() -> None:
    assert routes_of(with_route("10.0.0.0/8", "192.168.77.1"), server_address="192.168.77.1") == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"address": "127.0.0.5"}, "'127.0.0.5', which is not an address for a host"),
        ({"address": "0.0.0.0"}, "not an address for a host"),
        ({"address": "169.254.3.4"}, "not an address for a host"),
        ({"address": "224.0.0.1"}, "not an address for a host"),
        ({"address": "255.255.255.255"}, "not an address for a host"),
        ({"address": "fe80::1"}, "not an address for a host"),
        ({"address": ""}, "not an address for a host"),
        ({"address": "192.168.77.0"}, "192.168.77.0/24, which is a network or broadcast address"),
        ({"address": "192.168.77.255"}, "a network or broadcast address"),
        ({"prefix_length": 0}, "prefix length 0, not 8 to 32"),
        ({"prefix_length": 7}, "prefix length 7"),
        ({"prefix_length": 33}, "prefix length 33"),
        ({"prefix_length": -1}, "prefix length -1"),
        ({"mtu": 575}, "an MTU of 575, less than 576"),
        ({"mtu": -1500}, "an MTU of -1500"),
        ({"routes": (("127.0.0.0/8", "192.168.77.1"),)}, "a route to 127.0.0.0/8, which is no network of hosts"),
        ({"routes": (("127.0.0.53/32", ""),)}, "a route to 127.0.0.53/32"),
        ({"routes": (("239.0.0.0/8", "192.168.77.1"),)}, "a route to 239.0.0.0/8"),
        ({"routes": (("169.254.169.254/32", "192.168.77.1"),)}, "a route to 169.254.169.254/32"),
        ({"routes": (("10.0.0.0/8", "10.0.0.1"),)}, "a route to 10.0.0.0/8 via 10.0.0.1, which is not a neighbour"),
        ({"routes": (("10.0.0.0/8", "192.168.77.23"),)}, "via 192.168.77.23, which is not a neighbour"),
        ({"routes": (("10.0.0.0/40", "192.168.77.1"),)}, "a route that is none"),
        ({"routes": (("ten", "eleven"),)}, "a route that is none: 'ten' via 'eleven'"),
        ({"routes": (("10.0.0.0/8", "192.168.77.1"),) * 65}, "65 routes, more than 64"),
    ],
)
def test_an_unacceptable_lease_is_refused_with_a_sentence(change: dict[str, object], why: str) -> None:
    with pytest.raises(NoAddress) as caught:
        plan(dataclasses.replace(LEASE, **change), SETTINGS)  # type: ignore[arg-type]  # on purpose

    assert why in str(caught.value)
    assert str(caught.value).startswith("The DHCP server in the hub's segment offered ")


def test_the_servers_own_address_is_not_taken_for_ours() -> None:
    with pytest.raises(NoAddress, match="the VPN server's own"):
        plan(LEASE, SETTINGS, server_address="192.168.77.23")


def test_extra_networks_go_to_the_router_and_around_the_server() -> None:
    lease = dataclasses.replace(LEASE, router="192.168.77.1", routes=(("10.1.0.0/16", "192.168.77.2"),))
    settings = dataclasses.replace(SETTINGS, extra_networks=("10.1.0.0/16", "203.0.113.8/30"))

    assert [str(route) for route in plan(lease, settings, "203.0.113.9").routes] == [
        "192.168.77.0/24",
        "10.1.0.0/16 via 192.168.77.1",
        "203.0.113.8/32 via 192.168.77.1",
        "203.0.113.10/31 via 192.168.77.1",
    ]
    unrouted = [str(route) for route in plan(LEASE, settings).routes]
    assert unrouted == ["10.1.0.0/16", "192.168.77.0/24", "203.0.113.8/30"]


def test_excluded_networks_are_cut_out_of_all_routes() -> None:
    settings = dataclasses.replace(SETTINGS, excluded_networks=("10.128.0.0/9", "172.16.0.0/12"))
    lease = dataclasses.replace(LEASE, routes=(("10.0.0.0/8", "192.168.77.1"), ("172.16.0.0/16", "192.168.77.1")))

    assert [str(route) for route in plan(lease, settings).routes] == [
        "192.168.77.0/24",
        "10.0.0.0/9 via 192.168.77.1",
    ]


def test_all_traffic_goes_to_the_router_if_the_settings_say_so() -> None:
    settings = dataclasses.replace(
        SETTINGS, routing=Routing.EVERYTHING, allow_lan=False, excluded_networks=("198.51.100.0/24",)
    )
    wanted = plan(dataclasses.replace(LEASE, router="192.168.77.1"), settings)

    assert wanted.everything == Everything(
        defaults=(Route(IPv4Network("0.0.0.0/0"), IPv4Address("192.168.77.1")),),
        excluded=(IPv4Network("198.51.100.0/24"),),
        allow_lan=False,
    )
    assert [str(route) for route in wanted.routes] == ["192.168.77.0/24"]
    assert plan(dataclasses.replace(LEASE, router="192.168.77.1"), SETTINGS).everything is None


@pytest.mark.parametrize("router", ["", "192.168.78.1", "192.168.77.23", "nonsense"])
def test_all_traffic_needs_a_router(router: str) -> None:
    settings = dataclasses.replace(SETTINGS, routing=Routing.EVERYTHING)

    with pytest.raises(NoAddress, match="named no router"):
        plan(dataclasses.replace(LEASE, router=router), settings)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, DnsPlan(servers=("192.168.77.1", "8.8.8.8"), domains=("office.example",))),
        ({"dns": Dns.OFF}, None),
        (
            {"routing": Routing.EVERYTHING},
            DnsPlan(servers=("192.168.77.1", "8.8.8.8"), domains=("office.example",), all_names=True),
        ),
        (
            {"dns_domains": ("Lab.Example.",)},
            DnsPlan(servers=("192.168.77.1", "8.8.8.8"), domains=("lab.example", "office.example")),
        ),
        (
            {"dns": Dns.MANUAL, "dns_servers": ("10.1.1.1",)},
            DnsPlan(servers=("10.1.1.1",), all_names=True),
        ),
        (
            {"dns": Dns.MANUAL, "dns_servers": ("10.1.1.1",), "dns_domains": ("lab.example",)},
            DnsPlan(servers=("10.1.1.1",), domains=("lab.example",)),
        ),
    ],
)
def test_who_looks_names_up_is_the_settings_affair(change: dict[str, object], wanted: DnsPlan | None) -> None:
    lease = dataclasses.replace(
        LEASE, router="192.168.77.1", dns_servers=("192.168.77.1", "127.0.0.1", "8.8.8.8"), domain="office.example"
    )
    settings = dataclasses.replace(SETTINGS, **change)  # type: ignore[arg-type]  # of a table

    assert plan(lease, settings).dns == wanted


@pytest.mark.parametrize(
    "domain", ["com", "", "*", "a b.example", "-a.example", "office.example\nsearch evil.example", "x." * 200]
)
def test_a_lease_gets_no_top_level_domain_and_no_nonsense(domain: str) -> None:
    wanted = plan(dataclasses.replace(LEASE, dns_servers=("192.168.77.1",), domain=domain), SETTINGS)

    assert wanted.dns == DnsPlan(servers=("192.168.77.1",))


FIXED = dataclasses.replace(
    SETTINGS,
    addressing=Addressing.STATIC,
    address="192.168.77.5/24",
    gateway="192.168.77.1",
    ipv6=Ipv6.STATIC,
    ipv6_address="2001:db8:5::5/64",
    ipv6_gateway="fe80::1",
)


def test_fixed_addresses_need_no_lease() -> None:
    wanted = plan(None, dataclasses.replace(FIXED, extra_networks=("10.0.0.0/8", "2001:db8:6::/48")))

    assert list(map(str, wanted.addresses)) == ["192.168.77.5/24", "2001:db8:5::5/64"]
    assert list(map(str, wanted.routes)) == [
        "192.168.77.0/24",
        "2001:db8:5::/64",
        "10.0.0.0/8 via 192.168.77.1",
        "2001:db8:6::/48 via fe80::1",
    ]


def test_fixed_gateways_take_all_traffic_of_both_families() -> None:
    wanted = plan(None, dataclasses.replace(FIXED, routing=Routing.EVERYTHING))

    assert wanted.everything
    assert list(map(str, wanted.everything.defaults)) == ["0.0.0.0/0 via 192.168.77.1", "::/0 via fe80::1"]
    with pytest.raises(NoAddress, match="no gateway beside the fixed address"):
        plan(None, dataclasses.replace(FIXED, routing=Routing.EVERYTHING, gateway=""))


def test_ipv6_is_there_beside_a_lease_and_without_one() -> None:
    settings = dataclasses.replace(SETTINGS, ipv6=Ipv6.STATIC, ipv6_address="2001:db8:5::5/64")

    assert list(map(str, plan(LEASE, settings).addresses)) == ["192.168.77.23/24", "2001:db8:5::5/64"]
    for left in (plan(None, settings), without_lease(settings)):
        assert list(map(str, left.addresses)) == ["2001:db8:5::5/64"]
        assert list(map(str, left.routes)) == ["2001:db8:5::/64"]
    assert plan(LEASE, dataclasses.replace(SETTINGS, ipv6=Ipv6.AUTO)).ipv6_is_automatic


def test_a_link_local_address_is_the_same_each_time_and_another_for_another_nic() -> None:
    address = link_local_address("5e:00:00:00:00:01")

    assert address == link_local_address("5e:00:00:00:00:01") != link_local_address("5e:00:00:00:00:02")
    assert IPv4Address("169.254.1.0") <= address.ip <= IPv4Address("169.254.254.255")
    wanted = without_lease(SETTINGS, address)
    assert (wanted.addresses, list(map(str, wanted.routes))) == ((address,), ["169.254.0.0/16"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"address": ""}, "A fixed address has to be given"),
        ({"address": "192.168.77.5"}, "with its prefix length"),
        ({"address": "192.168.77.0/24"}, "one for a host, which 192.168.77.0/24 is not"),
        ({"address": "127.0.0.1/8"}, "one for a host"),
        ({"address": "2001:db8::5/64"}, "with its prefix length"),
        ({"gateway": "192.168.78.1"}, "in the network of the fixed one"),
        ({"gateway": "fe80::1"}, "in the network of the fixed one"),
        ({"ipv6_gateway": "192.168.77.1"}, "in the network of the fixed one"),
        ({"ipv6": Ipv6.OFF, "ipv6_address": ""}, "only where IPv6 is not off"),
        ({"addressing": Addressing.DHCP, "address": ""}, "only beside a fixed address"),
    ],
)
def test_fixed_addresses_that_cannot_be_are_refused_with_a_sentence(change: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidSettings, match=why):
        dataclasses.replace(FIXED, **change)  # type: ignore[arg-type]  # of a table


def test_without_routing_there_is_an_address_and_no_route() -> None:
    lease = dataclasses.replace(LEASE, router="192.168.77.1", routes=(("10.0.0.0/8", "192.168.77.1"),))
    wanted = plan(lease, dataclasses.replace(SETTINGS, routing=Routing.NONE))

    assert (wanted.addresses, wanted.routes) == ((IPv4Interface("192.168.77.23/24"),), ())


def test_an_mtu_of_the_settings_wins() -> None:
    assert plan(dataclasses.replace(LEASE, mtu=1400), dataclasses.replace(SETTINGS, mtu=1280)).mtu == 1280


@pytest.mark.parametrize(("offered", "applied"), [(0, 1500), (576, 576), (1400, 1400), (1500, 1500), (9000, 1500)])
def test_the_mtu_is_what_was_offered_as_far_as_a_carrier_can_take_it(offered: int, applied: int) -> None:
    assert plan(dataclasses.replace(LEASE, mtu=offered), SETTINGS).mtu == applied
