"""What the helper finds wrong with a machine: each illness has its sentence, and the worst comes first."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tsunagu.control import Examined
from tsunagu.finding import ERROR, INFO, WARNING
from tsunagu_helper import examination
from tsunagu_helper.diagnosis import Machine, findings
from tsunagu_helper.examination import Examination

WORKER = Examined(uid=995, calls_refused=True, files_refused=True, is_compiled=True)
WELL = Machine(worker=WORKER)


def test_of_a_machine_where_all_is_well_only_what_is_good_to_know_is_told() -> None:
    assert [(finding.key, finding.level) for finding in findings(WELL)] == [
        ("worker", INFO),
        ("data_path", INFO),
        ("resolver", INFO),
    ]


@pytest.mark.parametrize(
    ("illness", "key", "level", "said"),
    [
        ({"worker": None, "worker_why": "no seccomp"}, "worker", ERROR, "no seccomp"),
        ({"worker": replace(WORKER, calls_refused=False)}, "seccomp", ERROR, "system calls"),
        ({"worker": replace(WORKER, files_refused=False)}, "landlock", WARNING, "Landlock"),
        ({"worker": replace(WORKER, is_compiled=False)}, "data_path", WARNING, "its compiled part is missing"),
        ({"plain_by_option": True}, "data_path", INFO, "--plain"),
        ({"has_worker_user": False}, "user", WARNING, "sysusers"),
        ({"nic_why": "/dev/net/tun: Permission denied"}, "tun", ERROR, "Permission denied; load"),
        ({"has_offloads": False}, "offloads", INFO, "many segments"),
        ({"leftovers": ("link tsunagu0",)}, "leftover", WARNING, "link tsunagu0"),
        ({"unmarked_by": (("NetworkManager", "/x"),)}, "unmanaged", WARNING, "NetworkManager may take"),
        ({"lockdown_why": "no nft"}, "nftables", WARNING, "no nft"),
        ({"lockdown_is_damaged": True, "lockdown_stands": True}, "lockdown", ERROR, "damaged"),
        ({"lockdown_stands": True}, "lockdown", ERROR, "for no connection"),
        ({"lockdown_holders": ("Office",)}, "lockdown", WARNING, "kill switch of Office does not stand"),
        ({"lockdown_holders": ("Office",), "lockdown_stands": True}, "lockdown", INFO, "in place"),
        ({"guard_why": "no fib"}, "guard", WARNING, "nft_fib_inet: no fib"),
        ({"guarded": ("tsunagu0", "lab")}, "guard", WARNING, "the addresses of tsunagu0, lab; 'journalctl"),
        ({"guarded": ("tsunagu0",), "guard_stands": True}, "guard", INFO, "through the tunnel alone"),
        ({"has_polkit": False, "admin_group": "vpn"}, "polkit", INFO, "group vpn"),
        ({"polkit_why": "no answer"}, "polkit", ERROR, "no answer"),
        ({"has_agent": False}, "agent", WARNING, "tray"),
        ({"unused": ("/x/a.json is damaged",)}, "connection", WARNING, "/x/a.json is damaged"),
        ({"quarantined": ("/q/b.json",)}, "quarantine", WARNING, "/q/b.json"),
    ],
)
def test_each_illness_has_its_sentence(illness: dict[str, Any], key: str, level: str, said: str) -> None:
    found = findings(replace(WELL, **illness))

    [finding] = [finding for finding in found if finding.key == key]
    assert finding.level == level
    assert said in finding.text


def test_what_was_just_put_aside_is_told_once() -> None:
    found = findings(replace(WELL, unused=("It is now /q/b.json",), quarantined=("/q/b.json",)))

    assert [finding.key for finding in found if finding.level != INFO] == ["connection"]


def test_the_worst_comes_first() -> None:
    found = findings(replace(WELL, worker=None, has_polkit=False, quarantined=("/q/b.json",)))

    assert [finding.level for finding in found] == [ERROR, WARNING, INFO, INFO]


@pytest.mark.parametrize("has_file", [True, False])
async def test_what_manages_networks_is_told_to_leave_our_nics_alone(
    has_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "_FOLDERS", (str(tmp_path),))
    file = tmp_path / "NetworkManager/conf.d/90-tsunagu.conf"
    file.parent.mkdir(parents=True)
    if has_file:
        file.touch()

    class OnBus:
        async def is_on_bus(self, name: str) -> bool:
            return name == "org.freedesktop.NetworkManager"

    found = await Examination._unmarked_by(cast("Any", None), cast("Any", OnBus()))

    assert found == (() if has_file else (("NetworkManager", "/usr/lib/NetworkManager/conf.d/90-tsunagu.conf"),))
