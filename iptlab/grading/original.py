"""What ``-m conntrack`` asks of how a connection began, as conditions on its first packet.

Whatever NAT makes of a packet on its way, its connection keeps the ends that the first one came
with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from iptlab.grading.members import Case, Runs
from iptlab.matches.conntrack import Conntrack
from iptlab.netfilter import fields as read
from iptlab.netfilter.context import CtState
from iptlab.netfilter.extension import Condition, Option
from iptlab.netfilter.fields import Field
from iptlab.netfilter.values import Given, StateSet
from iptlab.packet import Protocol
from iptlab.simulate.conntrack import PORTED

# packets in other states belong to no connection
_STATES = StateSet(frozenset((CtState.NEW, CtState.ESTABLISHED, CtState.RELATED)))
(TRACKED,) = Conntrack(Given(_STATES)).conditions()
(_UNTRACKED,) = Conntrack(Given(_STATES, negated=True)).conditions()

_SRC, _DST, _SPORT, _DPORT = (
    replace(field, name=f"first {field.name}")
    for field in (read.SRC, read.DST, read.SPORT, read.DPORT)
)
_MESSAGE = Field(
    "first icmp", lambda p, c: p.icmp and p.icmp.type * 256 + p.icmp.code, "is {}", "is not {}"
)
# the fields of a connection's first packet, whichever of its packets is asked about
FIRST = {
    one.name: one.name.removeprefix("first ") for one in (_SRC, _DST, _SPORT, _DPORT, _MESSAGE)
}
DIRECTION = "ctdir"
_ENDS = {"ctorigsrc": _SRC, "ctorigdst": _DST, "ctproto": read.PROTOCOL}
_PORTS = {"ctorigsrcport": _SPORT, "ctorigdstport": _DPORT}
_MESSAGES = frozenset((Protocol.ICMP, Protocol.ICMPV6))


def cases(match: Conntrack) -> tuple[Case, ...] | None:
    """The packets for which the match holds; None if it asks for anything else.

    Kernel: net/netfilter/xt_conntrack.c (conntrack_mt)
    """
    states: Case = ()
    asked: list[list[Case]] = []
    for condition in match.conditions():
        name = condition.field.name
        if name == "ctstate":
            states = (condition,)
        elif name == DIRECTION:
            asked.append([(condition,)])
        elif name in _ENDS:
            asked.append([(_reading(condition, _ENDS[name]),)])
        elif name in _PORTS:
            asked.append(list(_numbered(condition, _PORTS[name])))
        else:
            return None
    whole = (tuple(one for part in parts for one in part) for parts in product(*asked))
    tracked = [(*states, TRACKED, *case) for case in whole]
    return (*tracked, (*states, _UNTRACKED)) if states else tuple(tracked)


def _numbered(condition: Condition, field: Field) -> Iterator[Case]:
    """A question for a port: ICMP has type and code there, or an id, and others have 0.

    Kernel: include/net/netfilter/nf_conntrack_tuple.h (struct nf_conntrack_tuple)

    Simplified: the ids of ICMP messages are 0.
    """
    numbered = PORTED
    yield (_among(PORTED), _reading(condition, field))
    if field is _DPORT:
        numbered |= _MESSAGES
        yield (_among(_MESSAGES), _reading(condition, _MESSAGE))
    if condition.given.holds(lambda value: 0 in value):
        yield (_among(numbered, negated=True),)


def _reading(condition: Condition, field: Field) -> Condition:
    """The same question to another field."""
    return replace(condition, option=replace(condition.option, reads=field))


def _among(protocols: frozenset[Protocol], *, negated: bool = False) -> Condition:
    bounds: set[int] = set()
    for number in protocols:
        bounds ^= {number, number + 1}  # where one run is over and another begins, is no bound
    option = Option("-p", Runs, reads=read.PROTOCOL)
    return Condition(option, Given(Runs(tuple(sorted(bounds))), negated))
