"""``-m cgroup``: the control group of the process that sent the packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.context import Answer, CannotTell, Context
from iptlab.netfilter.extension import Match, Refused, option, register_match
from iptlab.netfilter.values import Given, Integer, Text
from iptlab.packet import Packet


class Path(Text):
    """A control group by its place in the hierarchy, at most 511 bytes."""

    def __str__(self) -> str:
        return f'"{self.text}"'


@register_match("cgroup")
@dataclass(frozen=True)
class Cgroup(Match):
    """``-m cgroup [!] --path PATH`` or ``--cgroup CLASSID``.

    Kernel: net/netfilter/xt_cgroup.c

    Simplified: control groups are not modelled, so nobody can tell.
    """

    path: Given[Path] | None = option("--path", Path, negatable=True)
    classid: Given[Integer] | None = option("--cgroup", Integer, negatable=True)

    def holds(self, packet: Packet, context: Context) -> Answer:
        return CannotTell("control groups are not modelled")

    def why_not(self, packet: Packet, context: Context) -> str:
        return str(self.holds(packet, context))

    def _asked(self) -> Given[Path] | Given[Integer]:
        asked = self.path or self.classid
        assert asked is not None
        return asked

    def explain(self) -> str:
        asked = self._asked()
        said = "was not sent" if asked.negated else "was sent"
        return f"{said} from the control group {asked.value.words()}"

    def listed(self, *, numeric: bool) -> str:
        asked = self._asked()
        return f"cgroup {'! ' * asked.negated}{asked.value.words()}"

    def kernel_refusal(self) -> Refused | None:
        """The kernel wants one of the two options.

        Kernel: net/netfilter/xt_cgroup.c (cgroup_mt_check_v1)
        """
        if bool(self.path) == bool(self.classid):
            return Refused("cgroup asks for one control group", "Write either --path or --cgroup.")
        return None
