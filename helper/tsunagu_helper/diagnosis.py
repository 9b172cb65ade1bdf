"""What is wrong with a machine and how to mend it, as far as root can tell: facts in, sentences out."""

from collections.abc import Iterator
from dataclasses import dataclass

from tsunagu.control import Examined
from tsunagu.finding import ERROR, INFO, WARNING, Finding, worst_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found.  Where it says *why*: why something does not work, "" where it does."""

    worker: Examined | None = None
    worker_why: str = ""
    has_worker_user: bool = True
    plain_by_option: bool = False  # somebody wants no compiled data path

    nic_why: str = ""
    has_offloads: bool = True
    leftovers: tuple[str, ...] = ()  # of an earlier life, in ip(8)'s words
    unmarked_by: tuple[tuple[str, str], ...] = ()  # what manages networks here, and the file of ours that it lacks

    lockdown_why: str = ""
    lockdown_holders: tuple[str, ...] = ()  # names of connections
    lockdown_stands: bool = False
    lockdown_is_damaged: bool = False

    guard_why: str = ""
    guarded: tuple[str, ...] = ()  # NICs
    guard_stands: bool = False

    resolver: str = "systemd-resolved"
    polkit_why: str = ""
    has_polkit: bool = True
    admin_group: str = "tsunagu"
    has_agent: bool = True  # of the one who asks
    unused: tuple[str, ...] = ()  # a sentence for each connection's file that could not be used
    quarantined: tuple[str, ...] = ()  # paths


def findings(machine: Machine) -> list[Finding]:
    """The worst first."""
    return worst_first(_found(machine))


def _found(machine: Machine) -> Iterator[Finding]:
    yield from _of_workers(machine)
    yield from _of_nics(machine)
    yield from _of_lockdown(machine)
    yield from _of_guard(machine)
    yield from _of_services(machine)
    for problem in machine.unused:
        yield Finding("connection", WARNING, problem)
    for path in machine.quarantined:
        if not any(path in problem for problem in machine.unused):
            yield Finding(
                "quarantine",
                WARNING,
                f"A damaged settings file is kept as {path}; repair it and move it back to the folder connections, "
                "or delete it",
            )


def _of_workers(machine: Machine) -> Iterator[Finding]:
    worker = machine.worker
    if not machine.has_worker_user:
        yield Finding(
            "user",
            WARNING,
            "There is no user tsunagu-tunnel, so workers run under a number that others might have; "
            "run 'sudo systemd-sysusers', then 'sudo systemctl restart tsunagu-helper'",
        )
    if worker is None:
        yield Finding(
            "worker",
            ERROR,
            f"The process that faces the network does not start: {machine.worker_why}; "
            "'journalctl -u tsunagu-helper' says more",
        )
        return
    if not worker.calls_refused:
        yield Finding("seccomp", ERROR, "Workers are not kept from system calls; install the package again")
    if not worker.files_refused:
        yield Finding(
            "landlock",
            WARNING,
            "This kernel has no Landlock, so only file modes keep workers from files; "
            "Linux 5.13 has it, where 'landlock' is among the boot option lsm",
        )
    if worker.calls_refused and worker.files_refused:
        yield Finding(
            "worker",
            INFO,
            f"Workers start, as user {worker.uid}, without capabilities, limited in system calls and files",
        )
    if machine.plain_by_option:
        yield Finding("data_path", INFO, "The data path is plain Python, as the helper's option --plain wants it")
    elif not worker.is_compiled:
        yield Finding(
            "data_path",
            WARNING,
            "The data path is plain Python, which is slow, because its compiled part is missing; "
            "install the package for this processor again",
        )
    else:
        yield Finding("data_path", INFO, "The data path is compiled")


def _of_nics(machine: Machine) -> Iterator[Finding]:
    if machine.nic_why:
        yield Finding(
            "tun",
            ERROR,
            f"No network adapter can be made: {machine.nic_why}; load the kernel's module: 'sudo modprobe tun'",
        )
    elif not machine.has_offloads:
        yield Finding(
            "offloads",
            INFO,
            "This kernel's virtual network adapters take no packets of many segments, so tunnels are slower",
        )
    for leftover in machine.leftovers:
        yield Finding(
            "leftover",
            WARNING,
            f"An earlier run has left this behind: {leftover}; 'sudo systemctl restart tsunagu-helper' removes it",
        )
    for program, path in machine.unmarked_by:
        yield Finding(
            "unmanaged",
            WARNING,
            f"{program} may take Tsunagu's network adapters over, because {path} is missing; "
            "install the package again, then restart that service",
        )


def _of_lockdown(machine: Machine) -> Iterator[Finding]:
    holders = ", ".join(machine.lockdown_holders)
    if machine.lockdown_why:
        yield Finding(
            "nftables",
            WARNING,
            "The kill switch cannot be used; it takes the package nftables and the kernel's module nf_tables: "
            f"{machine.lockdown_why}",
        )
    if machine.lockdown_is_damaged:
        yield Finding(
            "lockdown",
            ERROR,
            "The kill switch's file is damaged, so what is blocked stays blocked; 'sudo tsunagu unblock' lifts it",
        )
    elif machine.lockdown_stands and not holders:
        yield Finding(
            "lockdown", ERROR, "The kill switch blocks traffic for no connection; 'sudo tsunagu unblock' lifts it"
        )
    elif holders and not machine.lockdown_stands:
        yield Finding(
            "lockdown",
            WARNING,
            f"The kill switch of {holders} does not stand; 'journalctl -u tsunagu-helper' says why",
        )
    elif holders:
        yield Finding("lockdown", INFO, f"The kill switch of {holders} is in place")


def _of_guard(machine: Machine) -> Iterator[Finding]:
    nics = ", ".join(machine.guarded)
    if machine.guard_why:
        yield Finding(
            "guard",
            WARNING,
            "Whoever shares a network with this machine can reach the addresses that it has in tunnels; to keep them "
            f"away takes the package nftables and the kernel's module nft_fib_inet: {machine.guard_why}",
        )
    elif nics and not machine.guard_stands:
        yield Finding(
            "guard",
            WARNING,
            f"Whoever shares a network with this machine can reach the addresses of {nics}; "
            "'journalctl -u tsunagu-helper' says why",
        )
    elif nics:
        yield Finding("guard", INFO, f"The addresses of {nics} are reached through the tunnel alone")


def _of_services(machine: Machine) -> Iterator[Finding]:
    if not machine.has_agent:
        yield Finding(
            "agent",
            WARNING,
            "No program of yours answers when a password is needed; start the tray icon, "
            "or use 'tsunagu connect --wait'",
        )
    yield Finding("resolver", INFO, f"Names behind hubs are looked up by way of {machine.resolver}")
    if not machine.has_polkit:
        yield Finding(
            "polkit",
            INFO,
            f"There is no polkit, so members of the group {machine.admin_group} may use Tsunagu, and nobody else",
        )
    elif machine.polkit_why:
        yield Finding(
            "polkit",
            ERROR,
            f"polkit does not say what you may do: {machine.polkit_why}; 'systemctl status polkit' says more",
        )
