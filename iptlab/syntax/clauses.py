"""The parts of a dump's lines, each read only the first time it is seen.

iptables-save writes every rule as ``-A CHAIN``, the header's options, ``-m`` clauses, and
``-j`` with the target, and the same clauses come again and again. Lines of that shape are
cut at these seams; anything else, and every refusal, is left to ``read_command``.
"""

from __future__ import annotations

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
from iptlab.syntax.tokens import restore_words

E = TypeVar("E", bound=Extension)


class Clauses:
    """A memory of clauses for one family; ``rule`` is its only question."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.headers: dict[str, Header | None] = {}
        self.matches: dict[tuple[int, str], Match | None] = {}
        self.targets: dict[tuple[int, str], Target | None] = {}
        self.jumps: dict[str, Jump] = {}
        self.values: dict[tuple[type[Value], str], Value] = {}

    def rule(self, line: str, chains: Container[str]) -> tuple[str, Rule] | None:
        """The chain and rule of a plain ``-A`` line; None if it takes a closer look."""
        parts = line.split(" -m ")
        parts[-1], _, target_text = parts[-1].partition(" -j ")
        if '"' in line and (
            "\\" in line or any(part.count('"') % 2 for part in (*parts, target_text))
        ):
            return None
        append, _, rest = parts[0].partition(" ")
        chain, _, header_text = rest.partition(" ")
        header = self._header(header_text, chain)
        if append != "-A" or header is None or not chain:
            return None
        protocol = header.named_protocol
        matches = [self._known(self.matches, MATCHES, protocol, part) for part in parts[1:]]
        if None in matches:
            return None
        target = self._target(target_text, protocol, chains) if target_text else None
        if target is None and target_text:
            return None
        return chain, Rule(header, tuple(cast("list[Match]", matches)), target)

    def _header(self, text: str, chain: str) -> Header | None:
        try:
            header = self.headers[text]
        except KeyError:
            header = self.headers[text] = self._read(Header, text.split(" ") if text else [], 0)
        if header is None or not (header.in_interface or header.out_interface):
            return header
        hook = Hook.named(chain)
        if hook is None:
            return header
        misplaced = (header.in_interface and not hook.has_in_interface) or (
            header.out_interface and not hook.has_out_interface
        )
        return None if misplaced else header

    def _target(self, text: str, protocol: int, chains: Container[str]) -> Target | None:
        if text not in chains:
            return self._known(self.targets, TARGETS, protocol, text)
        jump = self.jumps.get(text)
        if jump is None:
            jump = self.jumps[text] = Jump(text)
        return jump

    def _known(
        self,
        seen: dict[tuple[int, str], E | None],
        registry: Mapping[str, type[E]],
        protocol: int,
        text: str,
    ) -> E | None:
        """The extension that a clause spells, from memory or read now."""
        try:
            return seen[protocol, text]
        except KeyError:
            pass
        if '"' in text:
            name, *words = (word.text for word in restore_words(text))
        else:
            name, *words = text.split(" ")
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
                given.add(field_name)
                arity = declared.value.arity
                text = next(rest) if arity == 1 else " ".join(next(rest) for _ in range(arity))
                value = self._value(declared, text)
                if negated or not getattr(value, "is_everything", False):
                    values[field_name] = Given(value, negated) if declared.negatable else value
            if not plan.required <= given:
                return None
            built = kind(**values)
            if plan.checks:
                built.check(protocol, self.family)
        except (BadValueError, KeyError, StopIteration, RuntimeError):
            return None
        return built

    def _value(self, declared: Option, text: str) -> Value:
        key = (declared.value, text)
        value = self.values.get(key)
        if value is None:
            value = self.values[key] = declared.value.parse(text, self.family)
        return value


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
        {declared.name: (name, declared) for name, declared in options},
        {
            name: Given(value) if declared.negatable else value
            for (name, declared), value in zip(options, usual.values(), strict=True)
            if value is not None
        },
        {name for name, declared in options if declared.required},
        kind.check is not Extension.check,
    )
