"""``-j SECMARK``: give the packet a security label."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.values import Text
from iptlab.packet import Packet


class Label(Text):
    """A security context, printed as it is."""

    def __str__(self) -> str:
        return self.text


@register_target("SECMARK")
@dataclass(frozen=True)
class Secmark(Target):
    """``-j SECMARK --selctx CONTEXT``, for machines with SELinux.

    Kernel: net/netfilter/xt_SECMARK.c

    Simplified: any label is taken; without SELinux the kernel refuses all of them.
    """

    tables = (TableName.MANGLE, TableName.SECURITY)

    label: Label = option("--selctx", Label, required=True)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=f"label {self.label}")

    def explain(self) -> str:
        return f"gets the security label {self.label} and goes on"

    def listed(self, *, numeric: bool) -> str:
        return f"SECMARK selctx {self.label}"
