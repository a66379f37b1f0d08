"""What a rule asks of a packet and does with it, in the terms of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from iptlab.errors import CannotCompare
from iptlab.grading.axes import AXES, Line, has_edges, kinds
from iptlab.grading.outcomes import Bits, Hops
from iptlab.matches.addrtype import Addrtype
from iptlab.matches.conntrack import Conntrack
from iptlab.matches.ports import PortMatch
from iptlab.matches.set import SetMatch
from iptlab.matches.statistic import Statistic
from iptlab.netfilter.actions import (
    Call,
    Continue,
    Decide,
    NoTrack,
    Return,
    Translate,
    Undecided,
)
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Condition, Match, Target
from iptlab.netfilter.rules import Rule
from iptlab.packet import Family, Packet, Protocol
from iptlab.targets.classify import Classify
from iptlab.targets.connmark import Connmark
from iptlab.targets.log import Log
from iptlab.targets.tcpmss import TcpMss


class Asks(NamedTuple):
    """A match taken apart: conditions on modelled fields, or one opaque question, or chance.

    It holds if all conditions of one of the ``cases`` do; no packet is in two of them.
    ``match`` is one whose question is free only as long as nobody says what an ipset holds, or
    how a connection began.
    ``whole`` is whether later fragments never match.
    """

    cases: tuple[tuple[Condition, ...], ...] = ((),)
    opaque: str = ""
    chance: Fraction | None = None
    whole: bool = False
    match: SetMatch | Conntrack | None = None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions, of whichever case."""
        return tuple(condition for case in self.cases for condition in case)


def asks(match: Match) -> Asks:
    """What the match asks; CannotCompare if nobody can tell."""
    if isinstance(match, Statistic) and match.probability:
        given = match.probability
        chance = given.value.fraction
        return Asks(chance=1 - chance if given.negated else chance)
    if isinstance(match, Addrtype) and (match.limit_iface_in or match.limit_iface_out):
        raise CannotCompare(f"`{match}'", "it asks for an address and an interface at once")
    if type(match).landmarks is not Match.landmarks:
        try:
            list(match.landmarks())
        except NotImplementedError as error:
            raise CannotCompare(f"`{match}'", str(error)) from None
    conditions = match.conditions()
    if _says_all(match, conditions) and all(map(_modelled, conditions)):
        return Asks((conditions,), whole=isinstance(match, PortMatch))
    return Asks(opaque=str(match), match=match if isinstance(match, SetMatch | Conntrack) else None)


def _says_all(match: Match, conditions: tuple[Condition, ...]) -> bool:
    """Whether the match holds exactly if all of its conditions do."""
    if isinstance(match, Conntrack):
        return match.ctstate is not None and len(conditions) == 1
    return type(match).holds in (Match.holds, PortMatch.holds)


_LINES = frozenset(name for name, kind in kinds(Family.IPV4).items() if isinstance(kind, Line))


def _modelled(condition: Condition) -> bool:
    name = condition.field.name
    axes = AXES.get(name, ())
    bounded = name in ("src_type", "dst_type") or has_edges(condition.given.value)
    return bool(axes) and (bounded or not _LINES & set(axes))


class Asked(NamedTuple):
    """A whole rule taken apart: what its matches ask, chance taken together, what it does.

    ``free`` are the matches whose answer is free, each with its question.
    """

    questions: tuple[Asks, ...]
    chance: Fraction | None
    does: Does
    free: tuple[tuple[Match, str], ...] = ()


def taken_apart(rule: Rule) -> Asked:
    """The rule taken apart; rules that say the same are looked at once.

    A comparison asks for each of its rules several times: it is found by its address, for to
    find an equal one takes longer than all that is done with it.
    """
    known = _by_address.get(id(rule))
    if known is None:
        if len(_by_address) >= _MOST_KNOWN:
            _by_address.clear()
        known = _by_address[id(rule)] = rule, _taken_apart(rule)
    return known[1]


_MOST_KNOWN = 8_192
_by_address: dict[int, tuple[Rule, Asked]] = {}  # with the rule, or another might get its address


@lru_cache(maxsize=4_096)
def _taken_apart(rule: Rule) -> Asked:
    tests = rule.tests()
    questions = tuple([asks(match) for match in tests])
    chance: Fraction | None = None
    for one in questions:
        if one.chance is not None:
            chance = one.chance if chance is None else chance * one.chance
    free = [(match, one.opaque) for match, one in zip(tests, questions, strict=True) if one.opaque]
    return Asked(questions, chance, does(rule), tuple(free))


# --- what targets do ---


@dataclass(frozen=True)
class ChangeMark:
    """The packet's mark loses the bits of ``clear``, then those of ``xor`` are turned over."""

    clear: int
    xor: int


@dataclass(frozen=True)
class ChangeTos:
    """The same for the Type of Service byte."""

    bits: Bits


@dataclass(frozen=True)
class ChangeTtl:
    """The packet's time to live changes."""

    hops: Hops


@dataclass(frozen=True)
class MarkConnection:
    """The connection's mark changes, or the packet gets it: a CONNMARK target does that."""

    target: Connmark


@dataclass(frozen=True)
class LimitSegment:
    """Segments become no larger than ``size``; None is what the path can carry."""

    size: int | None


@dataclass(frozen=True)
class Note:
    """A line about the packet is written to the log."""

    prefix: str


@dataclass(frozen=True)
class PutIntoClass:
    """The packet is sent in a traffic class."""

    traffic_class: str


@dataclass(frozen=True)
class Untrack:
    """Connection tracking leaves the packet alone."""


Change = (
    ChangeMark
    | ChangeTos
    | ChangeTtl
    | MarkConnection
    | LimitSegment
    | Note
    | PutIntoClass
    | Untrack
)
Does = Decide | Call | Return | Translate | Change | None

_HERE = ip_address("0.0.0.0")
_SAMPLE = Packet(_HERE, _HERE)
_ONES, _BYTE = 0xFFFFFFFF, 0xFF
_NOWHERE = Context()
# targets whose effects nobody compares: what they write down goes elsewhere
_NOTE_TAKERS = frozenset(("NFLOG", "TRACE", "AUDIT", "RATEEST", "IDLETIMER", "CHECKSUM"))


def does(rule: Rule) -> Does:
    """What becomes of a packet that matches; None if it just goes on."""
    target = rule.target
    if target is None or target.name in _NOTE_TAKERS:
        return None
    match target:
        case Log():
            return Note(target.prefix.text if target.prefix else "")
        case Connmark():
            return MarkConnection(target)
        case TcpMss():
            return LimitSegment(target.set_mss.number if target.set_mss else None)
    match target.act(_SAMPLE, _NOWHERE):
        case Continue():
            return _change(target)
        case Undecided(answer):
            raise CannotCompare(f"`{target}'", answer.reason)
        case Translate() as translate:
            return _plain(target, translate, rule.header.named_protocol)
        case Decide() | Call() | Return() as known:
            return known


def _change(target: Target) -> Change:
    match target.name:
        case "MARK":
            # two numbers show what becomes of every bit, for each bit is changed by itself
            xor, ones = _after(target, mark=0).mark, _after(target, mark=_ONES).mark
            return ChangeMark(_ONES ^ xor ^ ones, xor)
        case "TOS" | "DSCP":
            xor, ones = _after(target, tos=0).tos, _after(target, tos=_BYTE).tos
            return ChangeTos(Bits(_BYTE ^ xor ^ ones, xor))
        case "TTL" | "HL":
            low, high = _after(target, ttl=0).ttl, _after(target, ttl=_BYTE).ttl
            return ChangeTtl(Hops(low if high == _BYTE else high - _BYTE, low, high))
    match target:
        case Classify():
            return PutIntoClass(str(target.traffic_class))
    action = target.act(_SAMPLE, _NOWHERE)
    if isinstance(action, Continue) and action.effects == (NoTrack(),):
        return Untrack()
    raise CannotCompare(f"`{target}'", "what it changes is not followed here")


def _after(target: Target, **fields: int) -> Packet:
    """What a target makes of the usual packet with other values in some fields."""
    action = target.act(replace(_SAMPLE, **fields), _NOWHERE)  # type: ignore[arg-type]
    assert isinstance(action, Continue)
    return action.packet


# protocols whose ports NAT can change; kernel: net/netfilter/nf_nat_core.c (nf_nat_l4proto)
_PORTED = frozenset((Protocol.TCP, Protocol.UDP, Protocol.SCTP, Protocol.UDPLITE))


def _plain(target: Target, translate: Translate, protocol: int) -> Translate:
    if translate.ports and protocol not in _PORTED:
        raise CannotCompare(f"`{target}'", "ports of this protocol are not followed here")
    return translate
