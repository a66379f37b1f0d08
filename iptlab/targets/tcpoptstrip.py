"""``-j TCPOPTSTRIP``: blank out options of the TCP header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from iptlab.errors import BadValueError
from iptlab.netfilter.actions import Action, Continue
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Target, option, register_target
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.values import Value, read_integer
from iptlab.packet import Family, Packet, Protocol

# IANA TCP option kinds, by the names of extensions/libxt_TCPOPTSTRIP.c
_NAMES = {"mss": 2, "wscale": 3, "sack-permitted": 4, "sack": 5, "timestamp": 8, "md5": 19}
_CURE = f"Write numbers from 2 to 255 or names, joined by commas: {', '.join(_NAMES)}."


@dataclass(frozen=True, slots=True)
class TcpOptions(Value):
    """Kinds of TCP options."""

    kinds: frozenset[int]
    names: ClassVar[dict[int, str]] = {kind: name for name, kind in _NAMES.items()}

    @classmethod
    def parse(cls, text: str, family: Family) -> TcpOptions:
        """Names or numbers joined by commas."""
        kinds: set[int] = set()
        for word in text.split(","):
            kind = _NAMES.get(word, read_integer(word))
            if kind is None or kind > 255:
                raise BadValueError(f'Bad TCP option value "{word}"', _CURE)
            if kind < 2:
                raise BadValueError("Option value may not be 0 or 1", _CURE)
            if kind in kinds:
                raise BadValueError(f'Option "{word}" already specified', "Name each option once.")
            kinds.add(kind)
        return cls(frozenset(kinds))

    def __str__(self) -> str:
        return ",".join(str(kind) for kind in sorted(self.kinds))

    def words(self) -> str:
        return ",".join(self.names.get(kind, str(kind)) for kind in sorted(self.kinds))


@register_target("TCPOPTSTRIP")
@dataclass(frozen=True)
class TcpOptStrip(Target):
    """``-j TCPOPTSTRIP --strip-options KIND[,KIND...]``: they become NOPs.

    Kernel: net/netfilter/xt_TCPOPTSTRIP.c

    Simplified: a packet's TCP options are not modelled, so the packet stays as it is.
    """

    tables = (TableName.MANGLE,)
    protocols = (Protocol.TCP,)

    options_: TcpOptions | None = option("--strip-options", TcpOptions)

    def act(self, packet: Packet, context: Context) -> Action:
        return Continue(packet, note=self._which())

    def _which(self) -> str:
        return f"TCP options {self.options_.words() if self.options_ else 'none'} stripped"

    def explain(self) -> str:
        kinds = self.options_.words() if self.options_ else "none"
        return f"loses these of its TCP options: {kinds}; and goes on"

    def listed(self, *, numeric: bool) -> str:
        if not self.options_:
            return ""
        return f"TCPOPTSTRIP options {self.options_ if numeric else self.options_.words()}"
