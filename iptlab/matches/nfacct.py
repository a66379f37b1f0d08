"""``-m nfacct``: count packets in a named object."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import NO_SUCH, Match, Refused, option, register_match
from iptlab.netfilter.values import Text
from iptlab.packet import Family

# kube-proxy makes these when it starts: kubernetes/pkg/proxy/metrics/metrics.go
MADE_BY_KUBE_PROXY = {"ct_state_invalid_dropped_pkts", "localhost_nps_accepted_pkts"}


class ObjectName(Text):
    """The name of an accounting object, of which 31 bytes count."""

    @classmethod
    def parse(cls, text: str, family: Family) -> ObjectName:
        """The name, not empty."""
        if not text:
            raise BadValueError("Argument must have a minimum length of 1 characters", "Name it.")
        return cls(text.encode()[:31].decode(errors="ignore"))

    def __str__(self) -> str:
        return f" {self.text}"  # so it is printed: extensions/libxt_nfacct.c


@register_match("nfacct")
@dataclass(frozen=True)
class Nfacct(Match):
    """``-m nfacct --nfacct-name NAME``: the object counts the packet, which always matches.

    Simplified: a machine has the two objects that kube-proxy makes, and no others.

    Kernel: net/netfilter/xt_nfacct.c
    """

    object: ObjectName = option("--nfacct-name", ObjectName, required=True)

    def explain(self) -> str:
        return f"is counted in the object {self.object.text}"

    def kernel_refusal(self) -> Refused | None:
        """The kernel refuses a rule whose object does not exist."""
        if self.object.text in MADE_BY_KUBE_PROXY:
            return None
        return Refused(
            f"there is no accounting object {self.object.text}",
            f"On a real machine make it first: nfacct add {self.object.text}.",
            NO_SUCH,
        )

    def listed(self, *, numeric: bool) -> str:
        return f"nfacct-name {self.object}"
