"""What every rule may ask without ``-m``: ``-s -d -i -o -p -f``."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter import fields as read
from iptlab.netfilter.extension import Match, option, option_text
from iptlab.netfilter.networks import Network
from iptlab.netfilter.values import Flag, Given, InterfaceName, ProtocolNumber


@dataclass(frozen=True)
class Header(Match):
    """The part of a rule that looks at the IP header and the interfaces.

    Man page: iptables(8), PARAMETERS; kernel: net/ipv4/netfilter/ip_tables.c (ip_packet_match)
    """

    src: Given[Network] | None = option(
        "-s", Network, negatable=True, also=("--source", "--src"), reads=read.SRC
    )
    dst: Given[Network] | None = option(
        "-d", Network, negatable=True, also=("--destination", "--dst"), reads=read.DST
    )
    in_interface: Given[InterfaceName] | None = option(
        "-i", InterfaceName, negatable=True, also=("--in-interface",), reads=read.IN_INTERFACE
    )
    out_interface: Given[InterfaceName] | None = option(
        "-o", InterfaceName, negatable=True, also=("--out-interface",), reads=read.OUT_INTERFACE
    )
    protocol: Given[ProtocolNumber] | None = option(
        "-p", ProtocolNumber, negatable=True, also=("--protocol",), reads=read.PROTOCOL
    )
    fragment: Given[Flag] | None = option(
        "-f", Flag, negatable=True, also=("--fragment", "--fragments"), reads=read.FRAGMENT
    )

    @property
    def named_protocol(self) -> int:
        """The protocol that ``-p`` names, 0 if none does or ``!`` excludes it."""
        if self.protocol is None or self.protocol.negated:
            return 0
        return self.protocol.value.number

    def option_words(self) -> tuple[str, ...]:
        """The options without ``! -i +``: it is never so, but iptables-save forgets it."""
        return tuple(
            option_text(declared, given)
            for declared, given in self.given()
            if given.value != _ANY_INTERFACE
        )

    def __str__(self) -> str:
        return " ".join(self.option_words())


_ANY_INTERFACE = InterfaceName("+")
