"""The parts of a dump's lines, each read only the first time it is seen.

iptables-save writes every rule as ``-A CHAIN``, the header's options, ``-m`` clauses, and
``-j`` with the target, and the same clauses come again and again. Lines of that shape are
cut at these seams; anything else, and every refusal, is left to ``read_command``.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from functools import cache
from typing import NamedTuple, TypeVar, cast

from iptlab.errors import BadValueError
from iptlab.netfilter.extension import MATCHES, TARGETS, Extension, Match, Option, Target
from iptlab.netfilter.header import Header
from iptlab.netfilter.hooks import Hook
from iptlab.netfilter.rules import Jump, Rule
from iptlab.netfilter.values import Given, Value
from iptlab.packet import Family
from iptlab.syntax.grammar import EXTENSION_HEADERS

E = TypeVar("E", bound=Extension)


class Clauses:
    """A memory of clauses for one family; ``rule`` is its only question."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.headers: dict[str, tuple[Header, int] | None] = {}
        self.matches: dict[tuple[int, str], Match | None] = {}
        self.targets: dict[tuple[int, str], Target | None] = {}
        self.jumps: dict[tuple[str, bool], Jump] = {}
        self.values: dict[tuple[type[Value], str], Value] = {}

    def rule(self, line: str, chains: Container[str]) -> tuple[str, Rule] | None:
        """The chain and rule of a plain ``-A`` line; None if it takes a closer look."""
        if not line.startswith("-A ") or ('"' in line and not plainly_quoted(line)):
            return None
        chain = line[3:].partition(" ")[0]
        parts = line[3 + len(chain) :].split(" -m ")
        parts[-1], jump, target_text = _jump(parts[-1])
        head = parts.pop(0)
        header_text, unnamed = head[1:], 0  # clauses that are read before the protocol is named
        if parts and _LATE(line, 3 + len(chain) + len(head)):
            if head.endswith("!"):
                return None  # it negates no option that is yet to come
            header_text, unnamed = _gather(header_text, parts)
        known = self._header(header_text, chain)
        if known is None or not chain or '"' in chain:
            return None
        header, protocol = known
        matches = [
            self.matches.get((protocol, part)) or self._known(self.matches, MATCHES, protocol, part)
            for part in parts[unnamed:]
        ]
        if unnamed:
            matches[:0] = [
                self.matches.get((0, part)) or self._known(self.matches, MATCHES, 0, part)
                for part in parts[:unnamed]
            ]
        if None in matches:
            return None
        if not jump:
            return chain, Rule(header, tuple(cast("list[Match]", matches)))
        target = self._target(target_text, jump == " -g ", chains, protocol)
        if target is None:
            return None
        return chain, Rule(header, tuple(cast("list[Match]", matches)), target)

    def _target(
        self, text: str, goto: bool, chains: Container[str], protocol: int
    ) -> Target | None:
        """The chain or target that -j (-g with ``goto``) and these words name."""
        if text in chains and '"' not in text:
            key = (text, goto)
            return self.jumps.get(key) or self.jumps.setdefault(key, Jump(text, goto))
        if goto or text.partition(" ")[0] in chains:
            return None
        known = self.targets.get((protocol, text))
        return known or self._known(self.targets, TARGETS, protocol, text)

    def _header(self, text: str, chain: str) -> tuple[Header, int] | None:
        """The header and its protocol, if nothing can be said against it in that chain."""
        try:
            known = self.headers[text]
        except KeyError:
            quoted = '"' in text
            header = None if quoted else self._read(Header, text.split(" ") if text else [], 0)
            known = (header, header.named_protocol) if header else None
            if header and self.family is Family.IPV6 and _warned(header):
                known = None
            self.headers[text] = known
        if known is None:
            return None
        header = known[0]
        if header.in_interface is None and header.out_interface is None:
            return known
        hook = Hook.named(chain)
        if hook is None:
            return known
        misplaced = (header.in_interface and not hook.has_in_interface) or (
            header.out_interface and not hook.has_out_interface
        )
        return None if misplaced else known

    def _known(
        self,
        seen: dict[tuple[int, str], E | None],
        registry: Mapping[str, type[E]],
        protocol: int,
        text: str,
    ) -> E | None:
        """The extension that a clause spells, read now and remembered."""
        if (protocol, text) in seen:
            return None
        words = text.split(" ")
        if '"' in text:
            apart = enumerate(text.split('"'))
            parts = ([part] if n % 2 else filter(None, part.split(" ")) for n, part in apart)
            words = [word for part in parts for word in part]
        name = words.pop(0)
        kind = registry.get(name)
        usable = kind is not None and (not kind.families or self.family in kind.families)
        built = self._read(kind, words, protocol) if kind and usable else None
        seen[protocol, text] = built
        return built

    def _read(self, kind: type[E], words: list[str], protocol: int) -> E | None:
        """The extension with these options, if they are spelled in full and make sense."""
        plan = _plan(kind, self.family)
        values = dict(plan.defaults)
        given: set[str] = set()
        rest = iter(words)
        try:
            for word in rest:
                negated = word == "!"
                field_name, declared = plan.options[next(rest) if negated else word]
                if field_name in given or (negated and not declared.negatable):
                    return None
                if declared.after and plan.options[declared.after[0]][0] not in given:
                    return None
                given.add(field_name)
                arity = declared.value.arity
                text = next(rest) if arity == 1 else " ".join(next(rest) for _ in range(arity))
                kind.check_word(text, protocol, negated=False)
                value = self._value(declared, text)
                if negated or not getattr(value, "is_everything", False):
                    values[field_name] = Given(value, negated) if declared.negatable else value
            if not plan.required <= given:
                return None
            built = kind(**kind.settled(values))
            if plan.checks:
                built.check(protocol, self.family)
        except (BadValueError, KeyError, StopIteration, RuntimeError):
            return None
        return built

    def _value(self, declared: Option, text: str) -> Value:
        key = (declared.value, text)
        value = self.values.get(key)
        if value is None:
            value = declared.value.parse(text, self.family)
            if value.warning():
                raise BadValueError(value.warning())
            self.values[key] = value
        return value


# an option of the header, which people and programs also write behind a match
_HEADER_OPTION = re.compile(r"(?: !)? -([psdio]) \S+")
_LATE = re.compile(r" -[psdio] \S").search  # whether there is one, in a tenth of the time


def _gather(header: str, parts: list[str]) -> tuple[str, int]:
    """Take the header's options out of the clauses; how many clauses stand before ``-p``.

    Those are read without knowing the protocol, as the real tool reads from left to right.
    """
    unnamed = 0
    for number, part in enumerate(parts):
        quoted = part.rfind('"') + 1
        options = list(_HEADER_OPTION.finditer(part, quoted))
        if not options:
            continue
        parts[number] = part[:quoted] + _HEADER_OPTION.sub("", part[quoted:])
        header += "".join(option[0] for option in options)
        # options of the match that come before it are not told either
        if any(option[1] == "p" for option in options):
            unnamed = number if _named_first(part) else number + 1
    return header.strip(), unnamed


def _named_first(part: str) -> bool:
    """Whether the protocol comes right after the name of the match: ``tcp -p tcp --dport 80``."""
    return part.split(" ", 2)[1] == "-p"


def _jump(part: str) -> tuple[str, str, str]:
    """The last part of a line without -j or -g and what follows it, that option, and this."""
    cut = part.partition(" -j ")
    return cut if cut[1] else part.partition(" -g ")


def plainly_quoted(line: str) -> bool:
    """Whether every quoted text is a word of its own, set off by blanks, and looks like no seam."""
    return _PLAINLY(line) is not None


# a quoted text that does not look like a seam
TEXT = r'"[^ "\\]*+(?: (?!-[mjg] )[^ "\\]*+)*+"'
_PLAINLY = re.compile(rf'(?:[^"\\]* {TEXT}(?= |$))+[^"\\]*').fullmatch


def _warned(header: Header) -> bool:
    """Whether ip6tables warns that the protocol is found as an extension header only."""
    return header.named_protocol in EXTENSION_HEADERS


class _Plan(NamedTuple):
    """What reading an extension of one kind needs to know, worked out once."""

    options: dict[str, tuple[str, Option]]
    defaults: dict[str, object]
    required: set[str]
    checks: bool


@cache
def _plan(kind: type[Extension], family: Family) -> _Plan:
    options = kind.options()
    usual = {name: declared.default_for(family) for name, declared in options}
    return _Plan(
        {o.name: (name, o) for name, o in options if o.name not in (*o.warns, kind.parted_by)},
        {
            name: Given(value) if declared.negatable else value
            for (name, declared), value in zip(options, usual.values(), strict=True)
            if value is not None
        },
        {name for name, declared in options if declared.required},
        kind.check is not Extension.check,
    )
