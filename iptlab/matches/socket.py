"""``-m socket``: whether a process on this machine waits for the packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.matches.unmodelled import Unanswered
from iptlab.netfilter.extension import option, register_match
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag


@register_match("socket")
@dataclass(frozen=True)
class Socket(Unanswered):
    """``-m socket [--transparent] [--nowildcard] [--restore-skmark]``.

    Kernel: net/netfilter/xt_socket.c

    Simplified: machines have no sockets here, so the answer cannot be told.
    """

    hooks = (Hook.PREROUTING, Hook.INPUT)
    reason = "nobody said whether a socket waits for the packet"

    transparent: Flag | None = option("--transparent", Flag)
    nowildcard: Flag | None = option("--nowildcard", Flag)
    restore_skmark: Flag | None = option("--restore-skmark", Flag)
