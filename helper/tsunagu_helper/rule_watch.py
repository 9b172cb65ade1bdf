"""Hears from the kernel that somebody has changed nftables' or routing's rules, and has ours put back if they are gone.

"nft flush ruleset" takes all rules away, ours too; so does a restart of the machine's firewall.  systemd-networkd does
likewise with routing's rules whenever it starts or configures any NIC.
"""

import logging
import socket
from collections import Counter
from enum import Enum
from typing import Protocol

from tsunagu.errors import VpnError
from tsunagu_helper.watch import Watch

LOG = logging.getLogger(__name__)

REST_S = 1.0  # between two looks, for there are machines that change their rules without end

_NETLINK_NETFILTER = 12  # linux/netlink.h


class Rules(Enum):
    """Where the kernel tells of them: a protocol of netlink, and groups."""

    NFTABLES = _NETLINK_NETFILTER, 1 << 6  # linux/netfilter/nfnetlink.h: NFNLGRP_NFTABLES, the seventh
    # linux/rtnetlink.h: RTMGRP_IPV4_RULE, RTNLGRP_IPV6_RULE (the nineteenth), RTMGRP_IPV4_ROUTE, _IPV6_ROUTE
    ROUTING = socket.NETLINK_ROUTE, 0x80 | 1 << 18 | 0x40 | 0x400


class Mendable(Protocol):
    """Whose rules are among these."""

    async def mend(self) -> str: ...


class RuleWatch:
    """For those whose ``mend`` puts their rules back and says what was gone, if anything was."""

    def __init__(self, rules: Rules, *mendable: Mendable) -> None:
        self._rules, self._mendable = rules, mendable
        self._watch: Watch | None = None
        self._failure = ""  # that was told last
        self._times = Counter[Mendable]()  # that something was put back

    def start(self) -> None:
        """From now on."""
        try:
            self._watch = Watch(_line(*self._rules.value), self._look, name=f"{self._rules.name} watch", rest_s=REST_S)
        except OSError as error:  # a kernel without nftables
            LOG.info("The kernel does not tell when other programs change %s: %s", self._rules.name, error.strerror)

    def close(self) -> None:
        """No more."""
        if self._watch:
            self._watch.close()

    async def _look(self) -> bool:
        failure = ""
        for one in self._mendable:
            try:
                if what := await one.mend():
                    self._times[one] += 1
                    self._tell(what, self._times[one])
            except VpnError as error:
                failure = str(error)
        if failure not in ("", self._failure):
            LOG.error("%s", failure)
        self._failure = failure
        return not failure

    def _tell(self, what: str, times: int) -> None:
        """Whoever does it again and again fills no log."""
        if times & (times - 1) == 0:
            often = f", {times} times by now" if times > 1 else ""
            LOG.warning("Another program has removed or changed %s; put back%s", what, often)


def _line(protocol: int, groups: int) -> socket.socket:
    line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    try:
        line.bind((0, groups))
    except OSError:
        line.close()
        raise
    return line
