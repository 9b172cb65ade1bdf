"""Which settings reach everybody on the machine."""

import pytest

from tests.fakes_helper import SETTINGS
from tsunagu.plain import from_plain, to_plain
from tsunagu_helper.reach import reach


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({}, set()),
        ({"routing": "none", "dns": "off", "dns_domains": ["com"]}, set()),
        ({"connect_at_start": True}, {"connect_at_start"}),
        ({"routing": "everything"}, {"routing"}),
        ({"routing": "everything", "kill_switch": True}, {"routing", "kill_switch"}),
        ({"extra_networks": ["10.0.0.0/8", "192.168.5.0/24", "fd00::/8"]}, set()),
        ({"extra_networks": ["0.0.0.0/1"]}, {"extra_networks"}),
        ({"extra_networks": ["128.0.0.0/1"]}, {"extra_networks"}),
        ({"extra_networks": ["8.8.8.8/32"]}, {"extra_networks"}),
        ({"extra_networks": ["::/1"]}, {"extra_networks"}),
        ({"dns": "manual", "dns_servers": ["10.0.0.1"]}, {"dns_servers"}),
        ({"dns": "manual", "dns_servers": ["10.0.0.1"], "dns_domains": ["corp.example"]}, set()),
        ({"dns_domains": ["com."]}, {"dns_domains"}),
    ],
)
def test_what_reaches_everybody(changes: dict[str, object], reached: set[str]) -> None:
    settings = from_plain(type(SETTINGS), to_plain(SETTINGS) | changes)

    assert {name for name, _ in reach(settings)} == reached
