"""``python -m tests.lab.conformance``: what the protocol offers, against the server of ``TSUNAGU_LAB_SERVER``.

Runs the lab's tests by feature, prints a table, puts it into docs/protocol.md beside those of other builds.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.lab.server import VpnServer

DOCUMENT = Path(__file__).parents[2] / "docs/protocol.md"
BEGIN, END = "<!-- conformance: written by make conformance -->\n", "<!-- conformance: end -->\n"
PASSED, FAILED, NEVER_RUN = "passed", "**failed**", ""

FEATURES = {
    "Log-in with a standard password, DHCP, routes": "main_job::a_person_is_on_the_network_behind",
    "Log-in as an anonymous user": "main_job::an_anonymous_user",
    "Log-in with the password's hash, or plain": "protocol::a_password_may_travel_plain",
    "Log-in by RADIUS": "log_in::a_password_of_radius",
    "Log-in with a certificate (RSA 2048, 3072, 4096)": "protocol::a_certificate_opens_the_door",
    "Log-in with a certificate of the hub's authority": "protocol::a_certificate_with_its_chain",
    "Log-in with a smart card (PKCS#11)": "log_in::a_smart_card_opens log_in::a_person_may_take_longer",
    "Password changed by its user": "log_in::ones_own_password log_in::a_password_is_changed log_in::who_may_not",
    "Wrong password: asked for, not tried twice": "refusals::a_wrong_password_is_asked",
    "Refusals told by their numbers": "refusals::an_unknown_hub refusals::an_unknown_user",
    "Hub offline: tried again later": "refusals::a_hub_that_is_offline",
    "Server certificate shown first, then pinned": "main_job::the_first_sight_of_a_certificate",
    "Server certificate vouched for by an own authority": "log_in::an_authority_of_ones_own",
    "Changed server certificate: not spoken to": "log_in::a_server_that_shows_another_certificate",
    "Old server (TLS 1.1): only where allowed": "log_in::an_old_server",
    "Handshake cut or stalled at any place": "refusals::a_line_that",
    "Welcome: message, policy, all fields": "protocol::the_welcome_is_told main_job::the_status_shows",
    "Statistics of the session": "main_job::the_statistics_count",
    "Several TCP connections (2, 8)": "main_job::more_carriers",
    "TCP connections renewed after a time": "protocol::carriers_that_are_old",
    "Half duplex": "protocol::a_half_duplex_session",
    "Compression": "protocol::a_compressed_session",
    "Session without encryption": "udp_acceleration::a_session_in_the_clear",
    "Bridge mode; monitoring mode refused": "protocol::a_bridge_is_granted",
    "UDP acceleration, version 2": "udp_acceleration::frames_go_by_udp",
    "UDP acceleration, version 1": "udp_acceleration::an_old_server",
    "UDP acceleration behind a NAT": "udp_acceleration::behind_a_nat",
    "UDP acceleration: back to TCP and again to UDP": "udp_acceleration::where_datagrams_are_lost",
    "UDP acceleration, compressed": "udp_acceleration::a_compressed_session",
    "Reconnect after a broken line": "reconnects::a_pulled_cable reconnects::a_short_break",
    "Reconnect after a server's crash": "reconnects::a_server_that_crashes",
    "Reconnect after an administrator's disconnect": "reconnects::an_administrator",
    "Cluster: redirect to a member and back": "cluster::",
    "Through HTTP, SOCKS4 and SOCKS5 proxies": "ways::a_proxy_leads ways::all_carriers_go_through",
    "By IPv6": "ways::a_server_may_have_an_ipv6",
    "Names with several addresses, slow or dead ones among them": (
        "ways::the_first_family ways::an_ipv6_address_that_leads ways::a_name_server_that_never"
    ),
}  # feature: how the tests begin that show it, "MODULE::NAME" without "test_"


def feature_of(node: str) -> str:
    """The feature that a test of the lab shows; "" if none."""
    short = re.sub(r"tests/lab/test_(\w+)\.py::test_", r"\1::", node)
    found = (feature for feature, tests in FEATURES.items() if any(short.startswith(test) for test in tests.split()))
    return next(found, "")


class Recorder:
    """What pytest tells of each feature."""

    def __init__(self) -> None:
        self.results: dict[str, list[bool]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        feature = feature_of(report.nodeid)
        if feature and (report.when == "call" or report.failed):
            self.results[feature].append(report.passed)


def with_column(document: str, build: str, results: dict[str, str]) -> str:
    """The document whose table has these results for that build."""
    head, rest = document.split(BEGIN)
    table, tail = rest.split(END)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.strip("|-: ")]
    builds = rows[0][1:] if rows else []
    known = {(row[0], of): cell for row in rows[1:] for of, cell in zip(builds, row[1:], strict=True)}
    known |= {(feature, build): result for feature, result in results.items()}
    builds = sorted({*builds, build})
    lines = [["Feature", *builds], ["---"] * (len(builds) + 1)]
    lines += [[feature, *(known.get((feature, of), NEVER_RUN) for of in builds)] for feature in FEATURES]
    return head + BEGIN + "".join(f"| {' | '.join(line)} |\n" for line in lines) + END + tail


def build_of_the_server() -> str:
    """Version and build, as it says itself."""
    with VpnServer(dhcp=False) as server:
        found = re.search(r"Version (\d+\.\d+) Build (\d+)", server.vpncmd("ServerInfoGet"))
    assert found
    return f"{found[1]}.{found[2]}"


def main() -> int:
    """Run; 0 if all passed."""
    build = build_of_the_server()
    recorder = Recorder()
    options = ["-m", "conformance", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]
    pytest.main([str(Path(__file__).parent), *options], plugins=[recorder])
    results = {feature: PASSED if all(passed) else FAILED for feature, passed in recorder.results.items()}
    DOCUMENT.write_text(with_column(DOCUMENT.read_text(), build, results))
    print(f"\nServer {build}")
    for feature in FEATURES:
        print(f"  {feature:55} {results.get(feature, 'not run')}")
    failed = sum(result == FAILED for result in results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    return bool(failed or len(results) < len(FEATURES))


if __name__ == "__main__":
    sys.exit(main())
