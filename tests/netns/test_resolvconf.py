"""Where names are looked up, with the real programs of the name resolvconf, each as its package installs it."""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

from tests.lab.sandbox import CHECKOUT
from tests.netns.namespace import in_new_namespace
from tsunagu_helper.lease_policy import DnsPlan
from tsunagu_helper.resolv_conf import PATH
from tsunagu_helper.resolver import Resolver

PLAN = DnsPlan(servers=("192.168.77.1",), domains=("office.example",), all_names=True)
MINE = ["nameserver 192.168.5.1", "search home.example"]

_CLONE_NEWNS = 0x00020000  # linux/sched.h


def install(package: str) -> None:
    """For this thread alone, and with a NIC's record in it."""
    unpacked, made = CHECKOUT / "build/unpacked" / package, tempfile.mkdtemp()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for folder in ("upper", "work", "run"):
        Path(made, folder).mkdir()
    below = f"lowerdir={unpacked}/etc:/etc,upperdir={made}/upper,workdir={made}/work"
    for words in (
        ("-t", "overlay", "-o", f"lowerdir={unpacked}:/usr", "overlay", "/usr"),
        ("-t", "overlay", "-o", below, "overlay", "/etc"),
    ):
        subprocess.run(["mount", *words], check=True)
    forget_boot()
    PATH.unlink(missing_ok=True)
    if package == "resolvconf":
        PATH.symlink_to("/run/resolvconf/resolv.conf")
    begin()
    assert settings() == MINE


def forget_boot() -> None:
    """As at the machine's start."""
    subprocess.run(["rm", "-rf", "/run/resolvconf"], check=True)
    if not Path("/etc/resolvconf/run").is_symlink() and Path("/etc/resolvconf").is_dir():
        os.symlink("/run/resolvconf", "/etc/resolvconf/run")
    if Path("/etc/resolvconf").is_dir():
        Path("/run/resolvconf/interface").mkdir(parents=True)
        Path("/run/resolvconf/enable-updates").touch()


def begin() -> None:
    """The physical NIC comes up."""
    record = "\n".join(MINE) + "\n"
    subprocess.run(["resolvconf", "-a", "eth0.dhcp"], input=record, text=True, check=True)


def settings() -> list[str]:
    """Name servers first, in order."""
    lines = [line.strip() for line in PATH.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return sorted(lines, key=lambda line: not line.startswith("nameserver"))


async def try_it(package: str) -> None:
    install(package)
    directory = Path(tempfile.mkdtemp())
    names = Resolver(directory)
    await names.apply("tsunagu0", 7, PLAN, lambda _error: None)
    assert names._recorded() == {"tsunagu0"}
    assert settings()[0] == "nameserver 192.168.77.1"
    await names.clear("tsunagu0", 7)
    assert settings() == MINE

    await names.apply("tsunagu0", 7, PLAN, lambda _error: None)
    await Resolver(directory).clean_leftovers()  # it was killed
    assert settings() == MINE

    await Resolver(directory).apply("tsunagu0", 7, PLAN, lambda _error: None)
    forget_boot()
    await Resolver(directory).clean_leftovers()
    begin()
    assert settings() == MINE
    assert not Resolver(directory)._recorded()


@in_new_namespace
async def test_openresolv_gets_our_servers_and_loses_them_again() -> None:
    await try_it("openresolv")


@in_new_namespace
async def test_debian_s_resolvconf_gets_our_servers_and_loses_them_again() -> None:
    await try_it("resolvconf")
