"""``-m tcp``: ports and flags of the TCP header."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.matches.ports import PortMatch, listed_ports, saved_options
from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import Spelling, option, register_match
from iptlab.netfilter.fields import Either, Field
from iptlab.netfilter.ports import PortRange, check_services
from iptlab.netfilter.values import SYN_ONLY, FlagTest, Given, Integer, read_integer
from iptlab.packet import Family, Packet, Protocol


class TcpOption(Integer):
    """The kind of a TCP option, from 1 to 255; the maximum segment size is 2."""

    @classmethod
    def parse(cls, text: str, family: Family) -> TcpOption:
        """A number from 1 to 255."""
        number = read_integer(text)
        if number is None or not 1 <= number <= 255:
            raise BadValueError(
                f'Bad TCP option "{text}"', "Write the option's kind, from 1 to 255: MSS is 2."
            )
        return cls(number)


def _kinds(packet: Packet) -> Either | None:
    if packet.protocol != Protocol.TCP or packet.fragment:
        return None
    return Either((2,)) if packet.mss is not None else Either()


TCP_OPTIONS = Field(
    "tcp_options",
    lambda p, c: _kinds(p),
    "has the TCP option {}",
    "does not have the TCP option {}",
    "has no TCP option",
)


@register_match("tcp")
@dataclass(frozen=True)
class Tcp(PortMatch):
    """``-p tcp [--sport PORT[:PORT]] [--dport PORT[:PORT]] [--tcp-flags MASK COMP]``.

    Kernel: net/netfilter/xt_tcpudp.c (tcp_mt)

    Simplified: the maximum segment size is the only TCP option that a packet can carry.

    >>> print(Tcp(dport=Given(PortRange(22, 22))))
    -m tcp --dport 22
    """

    protocols = (Protocol.TCP,)

    sport: Given[PortRange] | None = option(
        "--sport",
        PortRange,
        negatable=True,
        also=("--source-port",),
        twice="Only one `--source-port' allowed",
        reads=read.SPORT,
    )
    dport: Given[PortRange] | None = option(
        "--dport",
        PortRange,
        negatable=True,
        also=("--destination-port",),
        twice="Only one `--destination-port' allowed",
        reads=read.DPORT,
    )
    tcp_option: Given[TcpOption] | None = option(
        "--tcp-option",
        TcpOption,
        negatable=True,
        twice="Only one `--tcp-option' allowed",
        reads=TCP_OPTIONS,
    )
    tcp_flags: Given[FlagTest] | None = option(
        "--tcp-flags",
        FlagTest,
        negatable=True,
        twice="Only one of `--syn' or `--tcp-flags'  allowed",
        spellings={"--syn": Spelling(0, lambda _text, _family: SYN_ONLY)},
        reads=read.TCP_FLAGS,
    )

    @classmethod
    def check_word(cls, text: str, protocol: int, *, negated: bool) -> None:
        check_services(text, "tcp")

    def option_words(self) -> tuple[str, ...]:
        words = saved_options(self)
        flags = self.tcp_flags
        if flags and not flags.value.mask and not flags.negated:
            words = words[:-1]  # iptables-save forgets a test of no flag
        return words

    def listed(self, *, numeric: bool) -> str:
        words = listed_ports(self, self.sport, self.dport, numeric=numeric)
        if self.tcp_option:
            words.append(f"option={'!' * self.tcp_option.negated}{self.tcp_option.value}")
        if self.tcp_flags and (self.tcp_flags.value.mask or self.tcp_flags.negated):
            test = self.tcp_flags.value
            shown = f"{test.mask}/{test.set}"
            if numeric:
                shown = f"0x{test.mask:02X}/0x{test.set:02X}"
            words.append(f"flags:{'!' * self.tcp_flags.negated}{shown}")
        return " ".join(words)
