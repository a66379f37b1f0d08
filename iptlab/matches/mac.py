"""``-m mac``: the hardware address of the last sender."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.context import CannotTell
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.fields import Field
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.values import Given, Value
from iptlab.packet import Family

_UNSAID = CannotTell("nobody said which hardware address the packet came from")
MAC = Field(
    "mac",
    lambda p, c: _UNSAID if c.mac is None else c.mac.lower() or None,
    "was sent by hardware address {}",
    "was not sent by hardware address {}",
    "did not come over Ethernet",
)


@dataclass(frozen=True, slots=True)
class MacAddress(Value):
    """Six bytes in hexadecimal."""

    address: str

    @classmethod
    def parse(cls, text: str, family: Family) -> MacAddress:
        """``00:11:22:33:44:55``; a byte may have one digit."""
        if not re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text):
            raise BadValueError(
                "Invalid MAC address specified.",
                "Write six bytes in hexadecimal with colons: 00:11:22:33:44:55.",
            )
        return cls(":".join(f"{int(byte, 16):02x}" for byte in text.split(":")))

    def __contains__(self, item: object) -> bool:
        return item == self.address

    def __str__(self) -> str:
        return self.address


@register_match("mac")
@dataclass(frozen=True)
class Mac(Match):
    """``-m mac [!] --mac-source ADDRESS``: whoever sent the frame, often the last router.

    Kernel: net/netfilter/xt_mac.c
    """

    hooks = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD)

    mac_source: Given[MacAddress] = option(
        "--mac-source", MacAddress, negatable=True, required=True, reads=MAC
    )

    def listed(self, *, numeric: bool) -> str:
        return f"MAC {'! ' * self.mac_source.negated}{self.mac_source.value}"
