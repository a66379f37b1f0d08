"""Rules, chains and tables: frozen values, and what the kernel refuses of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain as joined
from typing import NamedTuple

from iptlab.names import protocol_names
from iptlab.netfilter.actions import Action, Call, Verdict
from iptlab.netfilter.context import Answer, Context, Memory
from iptlab.netfilter.extension import Extension, Match, Target, every
from iptlab.netfilter.header import Header
from iptlab.netfilter.hooks import Hook, TableName, hooks_of
from iptlab.packet import Packet


class Counters(NamedTuple):
    """How many packets, and bytes of them, a rule matched or a policy decided."""

    packets: int = 0
    bytes: int = 0

    def plus(self, other: Counters) -> Counters:
        """Both counts together."""
        return Counters(self.packets + other.packets, self.bytes + other.bytes)

    def __str__(self) -> str:
        return f"[{self.packets}:{self.bytes}]"


ZERO = Counters()


@dataclass(frozen=True)
class Jump(Target):
    """``-j CHAIN``, or with ``goto`` ``-g CHAIN``: go on in a chain of the same table."""

    chain: str
    goto: bool = False

    def act(self, packet: Packet, context: Context) -> Action:
        return Call(self.chain, self.goto)

    def explain(self) -> str:
        back = " and does not come back here" if self.goto else ""
        return f"goes on in chain {self.chain}{back}"

    def __str__(self) -> str:
        return f"{'-g' if self.goto else '-j'} {self.chain}"


NOTHING = Header()


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a chain: what a packet must be like, and what happens to it then.

    Two rules are equal if they say the same; counters are not part of that.
    """

    header: Header = NOTHING
    matches: tuple[Match, ...] = ()
    target: Target | None = None
    counters: Counters = field(default=ZERO, compare=False)

    def tests(self) -> tuple[Match, ...]:
        """The header and the matches, in the order in which they are asked."""
        return (self.header, *self.matches)

    def extensions(self) -> tuple[Extension, ...]:
        """The matches and the target, for questions that concern both."""
        return (*self.matches, self.target) if self.target else self.matches

    def holds(self, packet: Packet, context: Context) -> Answer:
        """Whether the packet passes every test of the rule."""
        return every((test.holds for test in self.tests()), packet, context)

    @property
    def remembers(self) -> bool:
        """Whether being asked changes what the rule will answer to later packets."""
        return any([match.remembers for match in self.matches])

    def remember(self, packet: Packet, context: Context) -> Memory:
        """The memory after the rule was asked: tests behind the first no are not reached."""
        for test in self.tests():
            after = test.remember(packet, context)
            if test.holds(packet, context) is not True:
                return after
            if after is not context.memory:
                context = replace(context, memory=after)
        return context.memory

    def why_not(self, packet: Packet, context: Context) -> str:
        """The first test that said no, beside what is so; empty if none did.

        As when the rule was asked, tests behind it stay out of it: chance is not drawn again.
        """
        doubts = []
        for test in self.tests():
            answer = test.holds(packet, context)
            if answer is False:
                return test.why_not(packet, context)
            if answer is not True:
                doubts.append(test)
        return doubts[0].why_not(packet, context) if doubts else ""

    def explain(self) -> str:
        """The rule as one English sentence."""
        claims = [condition.says() for condition in self.header.conditions()]
        claims += filter(None, (match.explain() for match in self.matches))
        who = "Every packet" if not claims else f"A packet that {_listing(claims)}"
        what = self.target.explain() if self.target else "is counted and goes on"
        return f"{who} {what}."

    def __str__(self) -> str:
        """The rule as iptables-save prints it, without ``-A CHAIN``."""
        parts = (str(self.header), *map(str, self.matches), str(self.target or ""))
        return " ".join(part for part in parts if part)


def _listing(claims: list[str]) -> str:
    return claims[0] if len(claims) == 1 else ", ".join(claims[:-1]) + " and " + claims[-1]


@dataclass(frozen=True, slots=True)
class Chain:
    """An ordered list of rules; a built-in chain has a policy, a user chain has none."""

    name: str
    policy: Verdict | None = None
    rules: tuple[Rule, ...] = ()
    counters: Counters = field(default=ZERO, compare=False)

    def __str__(self) -> str:
        """The chain as ``iptables -S`` prints it."""
        first = f"-P {self.name} {self.policy}" if self.policy else f"-N {self.name}"
        return "\n".join([first, *(f"-A {self.name} {rule}".rstrip() for rule in self.rules)])


@dataclass(frozen=True, slots=True)
class Table:
    """A table's chains by name: the built-in ones, then the user's, as iptables prints them."""

    name: TableName
    chains: Mapping[str, Chain]

    @classmethod
    def empty(cls, name: TableName) -> Table:
        """The table as the kernel makes it: built-in chains, no rules, policy ACCEPT."""
        return cls(name, {hook: Chain(hook, Verdict.ACCEPT) for hook in hooks_of(name)})

    def ordered(self) -> tuple[Chain, ...]:
        """Built-in chains in hook order, then user chains sorted by name."""
        builtin = [self.chains[hook] for hook in hooks_of(self.name)]
        users = sorted(chain.name for chain in self.chains.values() if chain.policy is None)
        return (*builtin, *(self.chains[name] for name in users))

    def __str__(self) -> str:
        """Its chains, one after another."""
        return "\n".join(map(str, self.ordered()))

    def with_chain(self, chain: Chain) -> Table:
        """The table with one chain added or replaced."""
        return replace(self, chains={**self.chains, chain.name: chain})


class Fault(NamedTuple):
    """Why the kernel would refuse a table: the guilty rule, the cause, the cure.

    Rules count from 1. ``kernel`` is the error the system call ends with.
    """

    chain: str
    number: int
    word: str
    cause: str
    cure: str
    kernel: str = "Invalid argument"


def faults(table: Table) -> Iterator[Fault]:
    """What the kernel refuses about a table's rules, in the order of its checks.

    Kernel: net/ipv4/netfilter/ip_tables.c (mark_source_chains, check_entry)
    """
    return joined(_jump_faults(table), _loop_faults(table), _extension_faults(table))


def _jumps(chain: Chain) -> Iterator[tuple[int, Jump]]:
    for number, rule in enumerate(chain.rules, start=1):
        if type(rule.target) is Jump:
            yield number, rule.target


def _jump_faults(table: Table) -> Iterator[Fault]:
    for chain in table.chains.values():
        for number, jump in _jumps(chain):
            if table.chains[jump.chain].policy is not None:
                yield Fault(
                    chain.name,
                    number,
                    jump.chain,
                    f"{jump.chain} is a built-in chain; only user chains can be jumped to",
                    "The kernel enters a built-in chain by itself, at its hook.",
                )


def _loop_faults(table: Table) -> Iterator[Fault]:
    """Loops that a packet can reach, found without recursion: chains may be many."""
    done: set[str] = set()
    for hook in hooks_of(table.name):
        path: dict[str, Iterator[tuple[int, Jump]]] = {hook: _jumps(table.chains[hook])}
        while path:
            name, jumps = next(reversed(path.items()))
            number, jump = next(jumps, (0, None))
            if jump is None:
                done.add(name)
                del path[name]
            elif jump.chain in path:
                loop = [*list(path)[list(path).index(jump.chain) :], jump.chain]
                yield Fault(
                    name,
                    number,
                    jump.chain,
                    f"a packet could go round for ever: {' -> '.join(loop)}",
                    "Take one of these jumps out; to go back to the caller use RETURN.",
                    "Too many levels of symbolic links",
                )
                return
            elif jump.chain not in done:
                path[jump.chain] = _jumps(table.chains[jump.chain])


def _extension_faults(table: Table) -> Iterator[Fault]:
    reached = _reached_from(table)
    for chain in table.chains.values():
        for number, rule in enumerate(chain.rules, start=1):
            for extension in rule.extensions():
                if _fits_anywhere(type(extension)):
                    continue
                if trouble := _misplaced(extension, rule, table.name, reached.get(chain.name, ())):
                    yield Fault(chain.name, number, extension.name, *trouble)


@cache
def _fits_anywhere(kind: type[Extension]) -> bool:
    """Whether the kernel takes extensions of this kind in every table, hook and rule."""
    asks = (kind.kernel_refusal, kind.kernel_refusal_beside)
    silent = asks == (Extension.kernel_refusal, Extension.kernel_refusal_beside)
    return silent and not (kind.tables or kind.hooks or kind.protocols)


def _reached_from(table: Table) -> dict[str, list[Hook]]:
    """For every chain the hooks whose packets can get there."""
    reached: dict[str, list[Hook]] = {}
    for hook in hooks_of(table.name):
        waiting, seen = [str(hook)], set()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                reached.setdefault(name, []).append(hook)
                waiting.extend(jump.chain for _, jump in _jumps(table.chains[name]))
    return reached


def _misplaced(
    extension: Extension, rule: Rule, table: TableName, hooks: list[Hook] | tuple[()]
) -> tuple[str, str] | None:
    """Cause and cure if the kernel forbids the extension here, else None."""
    name = extension.name
    if extension.tables and table not in extension.tables:
        return (
            f"{name} works only in table {' or '.join(extension.tables)}, not in {table}",
            f"Put the rule into table {extension.tables[0]}.",
        )
    if extension.hooks and (bad := [hook for hook in hooks if hook not in extension.hooks]):
        return (
            f"{name} does not work at {bad[0]}, and packets from there reach this rule",
            f"It works at {', '.join(extension.hooks)}.",
        )
    if extension.protocols and rule.header.named_protocol not in extension.protocols:
        return (
            f"{name} needs to know the protocol first",
            f"Write {_protocols(extension.protocols)} in the rule.",
        )
    return extension.kernel_refusal_beside(rule.header.named_protocol, rule.tests(), hooks)


def _protocols(numbers: tuple[int, ...]) -> str:
    return " or ".join(f"-p {protocol_names()[number]}" for number in numbers)
