"""``-j AUDIT``: make an audit record of the packet and go on."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.values import Value
from iptlab.packet import Family, Packet

_TYPES = ("accept", "drop", "reject")


@dataclass(frozen=True, slots=True)
class AuditType(Value):
    """What the record says is done with the packet; it need not be true."""

    name: str

    @classmethod
    def parse(cls, text: str, family: Family) -> AuditType:
        """``accept``, ``drop`` or ``reject``."""
        if text.lower() not in _TYPES:
            raise BadValueError(
                f'Bad action type value "{text}"', f"The types are {', '.join(_TYPES)}."
            )
        return cls(text.lower())

    def __str__(self) -> str:
        return self.name


@register_target("AUDIT")
@dataclass(frozen=True)
class Audit(Target):
    """``-j AUDIT --type accept|drop|reject``: it only writes, whatever it says.

    Kernel: net/netfilter/xt_AUDIT.c
    """

    type: AuditType = option("--type", AuditType, required=True)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"audited as {self.type}")

    def explain(self) -> str:
        return f"gets an audit record that says {self.type} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"AUDIT {self.type}"
