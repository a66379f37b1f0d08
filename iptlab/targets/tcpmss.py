"""``-j TCPMSS``: lower the segment size that the two ends of a TCP connection agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue, Undecided
from iptlab.netfilter.context import CannotTell, Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.fields import TCP_FLAGS
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Flag, FlagTest, Integer, read_integer
from iptlab.packet import Family, Packet, Protocol, TcpFlags


class SegmentSize(Integer):
    """A segment size: at most what a packet can hold besides its IP header."""

    @classmethod
    def parse(cls, text: str, family: Family) -> SegmentSize:
        """A number up to 65515, for IPv6 up to 65495."""
        most = 65515 if family is Family.IPV4 else 65495
        number = read_integer(text)
        if number is None or number > most:
            raise BadValueError(
                f"bad value for option, or out of range (0-{most}).",
                f"Write a number up to {most}.",
            )
        return cls(number)


_PATH_HOOKS = (Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)


# the IP and TCP headers, and the size that TCP assumes where none is announced
# kernel: xt_TCPMSS.c (tcpmss_mangle_packet); RFC 1122, RFC 8200
_HEADERS = {Family.IPV4: 40, Family.IPV6: 60}
_ASSUMED = {Family.IPV4: 536, Family.IPV6: 1220}


@register_target("TCPMSS")
@dataclass(frozen=True)
class TcpMss(Target):
    """``-j TCPMSS --set-mss SIZE | --clamp-mss-to-pmtu``, in a rule that matches SYN packets.

    Kernel: net/netfilter/xt_TCPMSS.c

    A size is never raised. A SYN without the option gets it, with the size that TCP assumes for
    it at the most.
    """

    protocols = (Protocol.TCP,)

    set_mss: SegmentSize | None = option("--set-mss", SegmentSize)
    clamp: Flag | None = option("--clamp-mss-to-pmtu", Flag)

    def __post_init__(self) -> None:
        """One of the two is needed; with both the path decides."""
        if self.clamp:
            object.__setattr__(self, "set_mss", None)
        elif not self.set_mss:
            raise BadValueError(
                "TCPMSS target: At least one parameter is required",
                "Write --clamp-mss-to-pmtu, or --set-mss and a size.",
            )

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if self.clamp and any(hook not in _PATH_HOOKS for hook in hooks):
            return Refused(
                "--clamp-mss-to-pmtu needs to know the packet's way on",
                f"It works at {', '.join(_PATH_HOOKS)}.",
            )
        if not any(_wants_syn(test) for test in tests):
            return Refused(
                "TCPMSS works only on SYN packets, and this rule matches others",
                "Write --tcp-flags SYN,RST SYN before -j.",
            )
        return None

    def act(self, packet: Packet, context: Context) -> Action:
        headers = _HEADERS[packet.family]
        if self.set_mss:
            size = self.set_mss.number
        elif context.mtu is None:
            return Undecided(CannotTell("nobody said how large packets may be on its way"))
        else:
            size = context.mtu - headers
        if packet.mss is not None:
            smaller = replace(packet, mss=min(packet.mss, size))
        elif packet.length > headers:
            return Continue(packet, note="carries data, so no segment size is added")
        else:
            size = min(size, _ASSUMED[packet.family])
            smaller = replace(packet, mss=size, length=packet.length + 4)
        return Continue(smaller, note=f"segment size {smaller.mss}")

    def explain(self) -> str:
        size = f"at most {self.set_mss}" if self.set_mss else "what its path can carry"
        return f"gets its segment size limited to {size} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"TCPMSS set {self.set_mss}" if self.set_mss else "TCPMSS clamp to PMTU"


def _wants_syn(test: Match) -> bool:
    """Whether a match lets through only packets with SYN, as the kernel can see."""
    return any(
        condition.field is TCP_FLAGS
        and not condition.given.negated
        and isinstance(condition.given.value, FlagTest)
        and TcpFlags.SYN in condition.given.value.set
        for condition in test.conditions()
    )
