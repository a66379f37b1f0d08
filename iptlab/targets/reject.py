"""``-j REJECT``: drop the packet and tell the sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Decide, Verdict
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Match, Refused, Target, option, register_target
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.values import Value
from iptlab.packet import Family, Packet, Protocol

# type: other names for it; extensions/libipt_REJECT.c, libip6t_REJECT.c
_TYPES: dict[Family, dict[str, tuple[str, ...]]] = {
    Family.IPV4: {
        "icmp-net-unreachable": ("net-unreach",),
        "icmp-host-unreachable": ("host-unreach",),
        "icmp-proto-unreachable": ("proto-unreach",),
        "icmp-port-unreachable": ("port-unreach",),
        "icmp-net-prohibited": ("net-prohib",),
        "icmp-host-prohibited": ("host-prohib",),
        "tcp-reset": ("tcp-rst",),
        "icmp-admin-prohibited": ("admin-prohib",),
    },
    Family.IPV6: {
        "icmp6-no-route": ("no-route",),
        "icmp6-adm-prohibited": ("adm-prohibited",),
        "icmp6-addr-unreachable": ("addr-unreach",),
        "icmp6-port-unreachable": ("port-unreach",),
        "tcp-reset": (),
        "icmp6-policy-fail": ("policy-fail",),
        "icmp6-reject-route": ("reject-route",),
    },
}
_GONE = ("echo-reply", "echoreply")


@dataclass(frozen=True, slots=True)
class RejectWith(Value):
    """What the sender gets: an ICMP error by name, or ``tcp-reset``."""

    type: str

    @classmethod
    def parse(cls, text: str, family: Family) -> RejectWith:
        """A type's name or its beginning."""
        warnings: tuple[str, ...] = ()
        for name, aliases in _TYPES[family].items():
            if any(spelling.startswith(text.lower()) for spelling in (name, *aliases)):
                return cls(name)
        if family is Family.IPV4 and any(old.startswith(text.lower()) for old in _GONE):
            warnings = ("--reject-with echo-reply no longer supported",)
        cure = f"The types are {', '.join(_TYPES[family])}."
        raise BadValueError(f'unknown reject type "{text}"', cure, *warnings)

    def __str__(self) -> str:
        return self.type


USUAL = {
    Family.IPV4: RejectWith("icmp-port-unreachable"),
    Family.IPV6: RejectWith("icmp6-port-unreachable"),
}


@register_target("REJECT")
@dataclass(frozen=True)
class Reject(Target):
    """``-j REJECT [--reject-with TYPE]``: the packet is dropped and its sender answered.

    Kernel: net/ipv4/netfilter/ipt_REJECT.c, net/ipv6/netfilter/ip6t_REJECT.c
    """

    tables = (TableName.FILTER,)
    hooks = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)

    reject_with: RejectWith = option("--reject-with", RejectWith, default=USUAL)

    def act(self, packet: Packet, context: Context) -> Action:
        return Decide(Verdict.REJECT, reply=str(self.reject_with))

    def kernel_refusal_beside(
        self, protocol: int, tests: Sequence[Match], hooks: Sequence[Hook]
    ) -> Refused | None:
        if self.reject_with.type == "tcp-reset" and protocol != Protocol.TCP:
            return Refused("tcp-reset can answer only TCP", "Write -p tcp in the rule.")
        return None

    def explain(self) -> str:
        return f"is rejected: the sender gets {self.reject_with}"

    def listed(self, *, numeric: bool) -> str:
        return f"reject-with {self.reject_with}"
