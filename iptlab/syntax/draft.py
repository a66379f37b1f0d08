"""Extensions while their options are being read, before they become frozen values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from iptlab.errors import BadValueError
from iptlab.names import protocol_names
from iptlab.netfilter.extension import MATCHES, Extension, Match, Option
from iptlab.netfilter.header import Header
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import ZERO, Counters, Jump
from iptlab.netfilter.values import Given, ProtocolNumber, Value
from iptlab.packet import Family
from iptlab.syntax.grammar import LateSyntaxError, Place
from iptlab.syntax.tokens import Token

T = TypeVar("T")


@dataclass
class Draft:
    """An extension of which some options have been read; ``token`` is where it was named."""

    kind: type[Extension]
    token: Token
    values: dict[str, Given[Value]] = field(default_factory=dict)
    spelled: dict[str, list[str]] = field(default_factory=dict)
    closed: bool = False
    elements: list[dict[str, Given[Value]]] = field(default_factory=list)

    def turn(self) -> None:
        """Let the options from here on speak of the next element, which has them anew."""
        shared = self.kind.shared
        self.elements.append({n: v for n, v in self.values.items() if n not in shared})
        self.values = {n: v for n, v in self.values.items() if n in shared}
        self.spelled = {n: names for n, names in self.spelled.items() if n in self.values}

    def finished(self, protocol: int, family: Family) -> Extension:
        """The extension, with stand-ins for what was not given; BadValueError if it cannot be."""
        options = dict(self.kind.options())
        values: dict[str, object] = {}
        for field_name, given in self.values.items():
            declared = options[field_name]
            if not asks_nothing(given):
                values[field_name] = given if declared.negatable else given.value
            if len(names := self.spelled[field_name]) > 1 and not declared.lax:
                raise self._two_ways(declared, names)
        for field_name, declared in options.items():
            if field_name not in self.values and declared.required:
                generic = f'{self.kind.name}: option "{declared.name}" must be specified'
                cure = f"Write {declared.name} and its value."
                raise BadValueError(declared.missing or generic, cure)
            stand_in = declared.default_for(family)
            if field_name not in values and stand_in is not None:
                values[field_name] = Given(stand_in) if declared.negatable else stand_in
        values = self.kind.settled(values)
        if self.elements:
            values |= self._several(values)
        built = self.kind(**values)
        built.check(protocol, family)
        return built

    def _several(self, values: dict[str, object]) -> dict[str, object]:
        """The first element's values, and the later elements as extensions of their own."""
        shared = {name: values[name] for name in self.kind.shared if name in values}
        last = {name: value for name, value in values.items() if name not in shared}
        elements: list[dict[str, object]] = [{**each} for each in self.elements]
        elements.append(last)
        later = tuple(self.kind.element(shared, each) for each in elements[1:])
        return dict.fromkeys(last) | elements[0] | {"later": later}

    def _two_ways(self, declared: Option, names: list[str]) -> BadValueError:
        first, second, *_ = sorted(names, key=declared.names.index)
        return BadValueError(
            f'{self.kind.name}: option "{first}" cannot be used together with "{second}".',
            f"They are two ways of saying one thing: leave one of {first} and {second} out.",
        )


@dataclass
class LineDraft:
    """What the words of a line have said so far; ``tokens`` are all of them.

    ``addresses`` are the words of -s and -d, each with whether ! was before it; ``bang`` is a !
    whose option has not come yet, ``late`` a refusal that waits until the rest of the line has
    been read.
    """

    tokens: list[Token]
    place: Place
    family: Family
    table: TableName
    operation: str = ""
    arguments: dict[str, Token] = field(default_factory=dict)
    switches: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    counters: Counters = ZERO
    header: Draft = field(default_factory=lambda: Draft(Header, Token("", 1, 1)))
    addresses: dict[str, tuple[Token, bool]] = field(default_factory=dict)
    matches: list[Draft] = field(default_factory=list)
    target: Draft | Jump | None = None
    bang: Token | None = None
    late: LateSyntaxError | None = None
    warnings: list[str] = field(default_factory=list)

    def drafts(self) -> list[Draft]:
        """The matches and the target, as far as they are modelled."""
        return [draft for draft in (*self.matches, self.target) if isinstance(draft, Draft)]

    def take_bang(self) -> bool:
        """Whether a ! stands before the option that is being read."""
        taken, self.bang = self.bang is not None, None
        return taken

    def refuse_bang(self, name: str) -> None:
        """Refuse a ! before an option that knows none."""
        if self.bang:
            cause = f"cannot have ! before {name}"
            raise self.place.error(self.bang, cause, "Leave the ! out.")

    def protocol(self) -> int:
        """The protocol that ``-p`` names, 0 if none does or ``!`` excludes it."""
        given = self.header.values.get("protocol")
        return 0 if given is None or given.negated else self.named_protocol()

    def named_protocol(self) -> int:
        """The protocol that ``-p`` or ``! -p`` names, 0 if none does."""
        given = self.header.values.get("protocol")
        return given.value.number if given and isinstance(given.value, ProtocolNumber) else 0

    def implicit_match(self) -> type[Match] | None:
        """The match that ``-p`` loads by itself, unless it is there already."""
        number = self.named_protocol()
        kind = MATCHES.get(_PROTOCOL_MATCH.get(number) or protocol_names().get(number, ""))
        there = {draft.kind for draft in self.matches}
        foreign = kind and kind.families and self.family not in kind.families
        return None if foreign or kind in there else kind


# protocols whose match is not called as /etc/protocols calls them
_PROTOCOL_MATCH = {58: "icmp6", 135: "mh"}


def named(kind: type[Extension], name: str) -> tuple[str, Option] | None:
    """The field and option of an extension that answer to ``name``."""
    for field_name, declared in kind.options():
        if name in declared.names:
            return field_name, declared
    return None


def asks_nothing(given: Given[Value]) -> bool:
    """Whether an option holds for every packet, so that iptables does not even keep it."""
    return not given.negated and getattr(given.value, "is_everything", False)


def read_at(
    place: Place, token: Token, read: Callable[[], T], of: tuple[str, str] | None = None
) -> T:
    """What ``read`` answers; a BadValueError becomes a refusal of that word.

    ``of`` is the extension and option that the word belongs to.
    """
    try:
        return read()
    except BadValueError as bad:
        told = bad.about(*of) if of else bad
        error = place.error(token, told.cause, told.cure)
        error.warnings = bad.warnings
        raise error from None
