"""A line whose words have all been read becomes a command, or the tool's first complaint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import cast

from iptlab.netfilter.extension import Extension, Match, Target
from iptlab.netfilter.header import Header
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.networks import Network
from iptlab.netfilter.rules import Rule
from iptlab.netfilter.values import Given, read_integer
from iptlab.syntax.draft import Draft, LineDraft, asks_nothing, named, read_at
from iptlab.syntax.grammar import ILLEGAL, ONCE, WITH_RULE, Command
from iptlab.syntax.refusal import check_length, nat_drop
from iptlab.syntax.tokens import Token


def finished(line: LineDraft) -> Command:
    """The whole line, with its mistakes in the order in which the tool finds them."""
    tests = tuple(cast("Match", _finished(line, draft)) for draft in line.matches)
    target = _target(line)
    _check_drop(line, target)
    if line.bang:
        cause = "nothing appropriate following !"
        raise line.place.error(line.bang, cause, "Write ! directly before an option.")
    number = _rule_number(line)
    sources, destinations = _networks(line, "src"), _networks(line, "dst")
    _check_negated_networks(line, sources, destinations)
    _check_legal(line, number)
    if line.operation == "-R" and max(len(sources), len(destinations)) > 1:
        cause = "Replacement rule does not specify a unique address"
        cure = "-R puts one rule in another's place: name one -s and one -d address."
        raise line.place.error(None, cause, cure)
    if chain := line.arguments.get("chain"):
        check_length(chain, line.place)
    last = line.arguments.get("new") or line.arguments.get("policy")
    rules: tuple[Rule, ...] = ()
    if line.operation in WITH_RULE and not (line.operation == "-D" and number):
        _check_interfaces(line, chain)
        if line.late:
            raise line.late
        rules = tuple(
            Rule(header, tests, target, line.counters)
            for header in _headers(line, sources, destinations)
        )
    return Command(
        line.operation,
        chain.text if chain else "",
        number,
        last.text if last else "",
        rules,
        tuple(line.switches),
        tuple(line.warnings),
    )


def _check_drop(line: LineDraft, target: Target | None) -> None:
    policy = line.arguments.get("policy")
    drops = (target and target.name == "DROP") or (policy and policy.text == "DROP")
    if drops and line.table is TableName.NAT:
        raise nat_drop(line.place)


def _check_legal(line: LineDraft, number: int | None) -> None:
    """Options that make no sense with the operation.

    Source: iptables/xshared.c (commands_v_options)
    """
    letters = dict.fromkeys(ONCE.get(name, "") for name, _ in line.switches)
    letters |= dict.fromkeys(field_name[0] for field_name in line.addresses)
    letters |= dict.fromkeys(named_[1:] for named_ in _header_names(line))
    letters |= dict.fromkeys("j" * bool(line.target))
    key = line.operation[1:] + " number" * (line.operation == "-D" and number is not None)
    for letter in letters:
        if letter and letter in ILLEGAL.get(key, ""):
            raise line.place.error(
                None,
                f"Illegal option `-{letter}' with this command",
                f"{line.operation} has no use for it: leave it out.",
            )


def _header_names(line: LineDraft) -> Iterator[str]:
    """The options of the header that were given, by their short names."""
    options = dict(Header.options())
    return (options[field_name].name for field_name in line.header.values)


def _rule_number(line: LineDraft) -> int | None:
    token = line.arguments.get("number")
    if token is None:
        return None
    number = read_integer(token.text)
    if not number or number > _MOST_RULES:
        raise line.place.error(
            token, f"Invalid rule number `{token.text}'", "Rules are numbered from 1."
        )
    return number


def _check_interfaces(line: LineDraft, chain: Token | None) -> None:
    """What the tool itself knows about built-in chains and interfaces."""
    hook = Hook.named(chain.text) if chain else None
    if hook is None:
        return
    for name, field_name, allowed in (
        ("-i", "in_interface", hook.has_in_interface),
        ("-o", "out_interface", hook.has_out_interface),
    ):
        if field_name in line.header.values and not allowed:
            word = next((t for t in line.tokens if _is(t, name)), None)
            raise line.place.error(
                word,
                f"Can't use {name} with {hook}",
                f"A packet in {hook} has no {_WAY[name]} interface.",
                f"Can't use {name} with {hook}\n",
            )


def _headers(
    line: LineDraft, sources: list[Given[Network]], destinations: list[Given[Network]]
) -> Iterator[Header]:
    """A header for every pair of addresses."""
    nothing: list[Given[Network] | None] = [None]
    asked = {k: v for k, v in line.header.values.items() if not asks_nothing(v)}
    for src, dst in product(sources or nothing, destinations or nothing):
        ends = {k: v for k, v in (("src", src), ("dst", dst)) if v and not asks_nothing(v)}
        yield Header(**ends, **asked)  # type: ignore[arg-type]


def _target(line: LineDraft) -> Target | None:
    if isinstance(line.target, Draft):
        return cast("Target", _finished(line, line.target))
    return line.target


def _finished(line: LineDraft, draft: Draft) -> Extension:
    build = partial(draft.finished, line.protocol(), line.family)
    return read_at(line.place, draft.token, build)


def _networks(line: LineDraft, field_name: str) -> list[Given[Network]]:
    """The addresses behind ``-s`` or ``-d``, which are read when the line has ended."""
    if field_name not in line.addresses:
        return []
    word, negated = line.addresses[field_name]
    parts = word.text.split(",")
    read = (partial(Network.parse, part.lstrip(), line.family) for part in parts)
    tokens = (word._replace(text=part) for part in parts)
    return [
        Given(read_at(line.place, token, one), negated)
        for token, one in zip(tokens, read, strict=True)
    ]


def _check_negated_networks(line: LineDraft, *ends: list[Given[Network]]) -> None:
    """Refuse ``!`` before several addresses: two such rules would let each other's pass."""
    negated = [word for word, negated in line.addresses.values() if negated]
    if negated and any(len(networks) > 1 for networks in ends):
        raise line.place.error(
            negated[0],
            "! not allowed with multiple source or destination IP addresses",
            "Write one rule for each address, or an ipset.",
        )


def _is(token: Token, short: str) -> bool:
    found = named(Header, short)
    return bool(found) and (token.text.startswith(short) or token.text in found[1].names)  # type: ignore[index]


_MOST_RULES = 0x7FFFFFFF
_WAY = {"-i": "incoming", "-o": "outgoing"}
