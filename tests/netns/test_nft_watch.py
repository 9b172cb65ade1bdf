"""Other programs take our rules away while they are wanted; what the kernel tells brings them back."""

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from tests.lab.waiting import eventually
from tests.netns.namespace import in_new_namespace
from tsunagu.errors import VpnError
from tsunagu_helper import rule_watch
from tsunagu_helper.address_guard import AddressGuard, Guarded
from tsunagu_helper.lockdown import Lockdown
from tsunagu_helper.rule_watch import Rules, RuleWatch

PATIENCE_S = 30
GUARDED = Guarded((IPv4Interface("192.168.77.23/24"),), has_automatic=True)


def nft(*commands: str) -> None:
    subprocess.run(["nft", "-f", "-"], input="\n".join(commands), text=True, check=True)


def rules() -> list[str]:
    """Each table; nft tells the oldest first."""
    words = ["nft", "-s", "-t", "list", "ruleset"]
    return sorted(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("table ")[1:])


class Looks:
    """Counts them; says that it has failed as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.count = 0
        self._failures = failures

    async def mend(self) -> str:
        self.count += 1
        if self.count <= self._failures:
            raise VpnError("not now")
        return ""

    async def another(self) -> None:
        """Somebody changes something of no concern, and that has been looked at."""
        before = self.count
        nft("add table ip somebody")
        await eventually(lambda: self.count > before, PATIENCE_S, "a look")


class Watched:
    """A kill switch for Office, an address that is guarded, and the watch."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.lockdown = Lockdown(self.folder, 1234)
        self.guard = AddressGuard()
        self.looks = Looks()
        self.watch = RuleWatch(Rules.NFTABLES, self.lockdown, self.guard, self.looks)

    @property
    def times(self) -> int:
        """Something was put back."""
        return self.watch._times.total()

    async def stands_as(self, wanted: list[str]) -> None:
        await eventually(lambda: rules() == wanted, PATIENCE_S, f"the rules, not {rules()}")


@asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    one = Watched()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule_watch, "REST_S", 0.1)
        one.watch.start()
        await one.lockdown.engage("a", "Office", allow_lan=True)
        await one.guard.guard("tsunagu0", GUARDED)
        yield one
        one.watch.close()


@in_new_namespace
async def test_what_is_taken_away_or_changed_is_put_back_and_only_that() -> None:
    async with watched() as one:
        whole = rules()
        await one.looks.another()
        assert one.times == 0  # what we load ourselves knocks, too
        nft("delete table ip somebody")

        for number, (change, times) in enumerate(
            {
                "flush ruleset": 2,
                "delete table inet tsunagu": 1,
                "flush chain inet tsunagu output": 1,
                "add rule inet tsunagu output accept": 1,
                "add chain inet tsunagu output { policy accept; }": 1,
                "flush table inet tsunagu_addresses": 1,
                "delete table inet tsunagu_addresses": 1,
            }.items()
        ):
            before = one.times
            nft(change)
            await one.stands_as(whole)
            await eventually(lambda: one.times == before + times, PATIENCE_S, f"{change}: {one.times - before}")  # noqa: B023
            await one.looks.another()
            assert one.times == before + times, (number, change)
            nft("delete table ip somebody")


@in_new_namespace
async def test_what_is_not_wanted_any_more_is_not_put_back() -> None:
    async with watched() as one:
        await one.guard.guard("tsunagu0", Guarded())
        await one.lockdown.lift("a")
        assert rules() == []

        nft("flush ruleset")
        await one.looks.another()

        assert rules() == ["ip somebody {\n}\n"]
        assert one.times == 0


@in_new_namespace
async def test_who_lifts_the_kill_switch_past_a_helper_that_runs_is_not_worked_against() -> None:
    async with watched() as one:
        await Lockdown(one.folder, 1234).lift_all()  # tsunagu-helper --unblock

        await eventually(lambda: one.lockdown.holders == {}, PATIENCE_S, "the helper to let it be")
        [table] = rules()
        assert table.startswith("inet tsunagu_addresses")


@in_new_namespace
async def test_what_packets_leave_in_the_rules_is_no_change_of_theirs() -> None:
    async with watched() as one:
        nft("add element inet tsunagu_addresses tsunagu0 { fd77::99 }")

        await one.looks.another()

        assert one.times == 0


@in_new_namespace
async def test_however_many_changes_there_are_it_looks_once_a_second() -> None:
    loop, looks = asyncio.get_running_loop(), Looks()
    watch = RuleWatch(Rules.NFTABLES, looks)
    watch.start()
    began, changes = loop.time(), 0
    await looks.another()

    while looks.count < 3:
        nft(*["add table ip somebody", "delete table ip somebody"] * 500)
        changes += 1
        await asyncio.sleep(0)  # not to wait: for the watch to hear it

    assert looks.count <= 1 + (loop.time() - began) / rule_watch.REST_S
    assert changes > looks.count
    watch.close()


@in_new_namespace
async def test_what_cannot_be_put_back_is_tried_again_by_itself_and_told_once() -> None:
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule_watch.LOG, "error", lambda _format, text: told.append(text))
        patch.setattr("tsunagu_helper.watch.FAILED_S", 0.1)
        patch.setattr(rule_watch, "REST_S", 0.1)
        looks = Looks(failures=3)
        watch = RuleWatch(Rules.NFTABLES, looks)
        watch.start()

        nft("add table ip somebody")  # once

        await eventually(lambda: looks.count == 4, PATIENCE_S, "another look")
        assert told == ["not now"]
        watch.close()
