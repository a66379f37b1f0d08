"""``-m state``: the older spelling of ``-m conntrack --ctstate``."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.errors import BadValueError
from iptlab.netfilter import fields as read
from iptlab.netfilter.context import CtState
from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Given, StateSet
from iptlab.packet import Family


class FiveStates(StateSet):
    """The states without SNAT and DNAT, which ``-m state`` does not know."""

    allowed = frozenset(CtState) - {CtState.SNAT, CtState.DNAT}
    noun = "state"

    @classmethod
    def parse(cls, text: str, family: Family) -> FiveStates:
        """State names, or their beginnings, joined by commas in any order and case."""
        if not text or text.endswith(","):
            raise BadValueError(
                '"--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED',
                f"The states are {', '.join(state for state in CtState if state in cls.allowed)}.",
            )
        return super().parse(text, family)


@register_match("state")
@dataclass(frozen=True)
class State(Match):
    """``-m state [!] --state STATE,STATE``.

    Kernel: net/netfilter/xt_conntrack.c; man page: iptables-extensions(8), state
    """

    state: Given[FiveStates] = option(
        "--state", FiveStates, negatable=True, required=True, reads=read.CTSTATE
    )

    def listed(self, *, numeric: bool) -> str:
        return f"{'! ' * self.state.negated}state {self.state.value}"
