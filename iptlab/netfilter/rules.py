"""Rules, chains and tables: frozen values, and what the kernel refuses of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from typing import NamedTuple

from iptlab.names import protocol_names
from iptlab.netfilter.actions import Action, Call, Verdict
from iptlab.netfilter.context import Answer, Context, Memory
from iptlab.netfilter.extension import INVALID, Extension, Match, Refused, Target, every
from iptlab.netfilter.header import Header
from iptlab.netfilter.hooks import Hook, TableName, hooks_of
from iptlab.packet import Packet
from iptlab.shown import Shown


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
# the verdicts, all of which one target of the kernel gives; no chain may be called so
VERDICTS = ("ACCEPT", "DROP", "QUEUE", "RETURN")


@dataclass(frozen=True, slots=True)
class Rule(Shown):
    """One line of a chain: what a packet must be like, and what happens to it then.

    Two rules are equal if they say the same; counters are not part of that, nor is
    ``written``, the words of a rule that is to be printed as it was found.
    """

    header: Header = NOTHING
    matches: tuple[Match, ...] = ()
    target: Target | None = None
    counters: Counters = field(default=ZERO, compare=False)
    written: str = field(default="", compare=False)

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
    def is_final(self) -> bool:
        """Whether it asks nothing of a packet and decides on it by itself."""
        bare = not self.matches and self.header == NOTHING
        return bare and self.target is not None and self.target.name in VERDICTS

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

    def claims(self) -> list[str]:
        """What a packet must be like, each as an English claim; none if nothing is asked."""
        claims: list[str] = []
        for test in self.tests():
            if type(test).explain is Match.explain:
                claims += [condition.says() for condition in test.conditions()]
            else:
                claims += filter(None, (test.explain(),))
        return claims

    def explain(self) -> str:
        """The rule as one English sentence."""
        claims = self.claims()
        who = "Every packet" if not claims else f"A packet that {_listing(claims)}"
        what = self.target.explain() if self.target else "is counted and goes on"
        return f"{who} {what}."

    def __str__(self) -> str:
        """The rule as iptables-save prints it, without ``-A CHAIN``."""
        if self.written:
            return self.written
        parts = (str(self.header), *map(str, self.matches), str(self.target or ""))
        return " ".join(part for part in parts if part)


def _listing(claims: list[str]) -> str:
    return claims[0] if len(claims) == 1 else ", ".join(claims[:-1]) + " and " + claims[-1]


@dataclass(frozen=True, slots=True)
class Chain(Shown):
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
class Table(Shown):
    """A table's chains by name: the built-in ones, then the user's, as iptables prints them."""

    name: TableName
    chains: Mapping[str, Chain]

    @classmethod
    def empty(cls, name: TableName) -> Table:
        """The table as the kernel makes it: built-in chains, no rules, policy ACCEPT."""
        return cls(name, {hook: Chain(hook, Verdict.ACCEPT) for hook in hooks_of(name)})

    def names(self) -> tuple[str, ...]:
        """The names of its chains as iptables prints them: built-in ones, then sorted the user's.

        Built-in chains come in hook order.
        """
        builtin = hooks_of(self.name)
        return (*builtin, *sorted(set(self.chains).difference(builtin)))

    def ordered(self) -> tuple[Chain, ...]:
        """Its chains in that order."""
        return tuple(self.chains[name] for name in self.names())

    def __str__(self) -> str:
        """Its chains, one after another."""
        return "\n".join(map(str, self.ordered()))

    def with_chain(self, chain: Chain) -> Table:
        """The table with one chain added or replaced."""
        return replace(self, chains={**self.chains, chain.name: chain})


class Fault(NamedTuple):
    """Why the kernel would refuse a table: the guilty rule, the cause, the cure.

    Rules count from 1; number 0 is the first that jumps to ``word``. ``kernel`` is the error
    the system call ends with.
    """

    chain: str
    number: int
    word: str
    cause: str
    cure: str
    kernel: str = INVALID


def faults(
    table: TableName, callees: Mapping[str, Sequence[str]], samples: Mapping[str, Sequence[Rule]]
) -> Iterator[Fault]:
    """What the kernel refuses about a table's rules, in the order of its checks.

    By chain, ``callees`` has for every rule the chain that it jumps to (empty: none), and
    ``samples`` the rule itself, or one that differs from it in nothing that is checked.

    Kernel: net/ipv4/netfilter/ip_tables.c (mark_source_chains, check_entry)
    """
    live = _live(samples)
    called = {name: dict.fromkeys(names) for name, names in callees.items()}
    called |= {name: dict.fromkeys(callees[name][:count]) for name, count in live.items()}
    yield from _jump_faults(table, called)
    order = yield from _loop_faults(table, called)
    reached = _reached(table, called, order)
    yield from _extension_faults(table, _stretches(samples, live, reached))


def _live(samples: Mapping[str, Sequence[Rule]]) -> dict[str, int]:
    """How many rules packets come to, of chains with a rule that decides on every packet.

    Behind it there may be anything. Jumping to a chain that decides is not enough for that.

    Kernel: net/ipv4/netfilter/ip_tables.c (unconditional, mark_source_chains)
    """
    bare = {id(rule): rule for rules in samples.values() for rule in rules if not rule.matches}
    final = {key for key, rule in bare.items() if rule.is_final}
    return {
        name: next(count for count, rule in enumerate(rules, start=1) if id(rule) in final)
        for name, rules in samples.items()
        if final and not final.isdisjoint(map(id, rules))
    }


_Called = Mapping[str, Collection[str]]  # each chain's callees once, in order; "" is none


def _jump_faults(table: TableName, called: _Called) -> Iterator[Fault]:
    builtin = set(hooks_of(table))
    if builtin.isdisjoint(chain.from_iterable(called.values())):
        return
    for name, callees in called.items():
        for callee in callees:
            if callee in builtin:
                yield Fault(
                    name,
                    0,
                    callee,
                    f"{callee} is a built-in chain; only user chains can be jumped to",
                    "The kernel enters a built-in chain by itself, at its hook.",
                )


def _loop_faults(table: TableName, called: _Called) -> Generator[Fault, None, list[str]]:
    """Loops that a packet can reach; else the answer is all it can reach, callees first.

    There is no recursion: chains may nest deeply.
    """
    done = {""}
    order: list[str] = []
    for hook in hooks_of(table):
        path, stack = {str(hook)}, [(str(hook), iter(called[hook]))]
        while stack:
            name, callees = stack[-1]
            for callee in callees:
                if callee in path:
                    yield _loop([*(place for place, _ in stack), callee])
                    return []
                if callee in done:
                    continue
                if done.issuperset(called[callee]):
                    done.add(callee)
                    order.append(callee)
                else:
                    path.add(callee)
                    stack.append((callee, iter(called[callee])))
                    break
            else:
                stack.pop()
                path.discard(name)
                done.add(name)
                order.append(name)
    return order


def _loop(path: list[str]) -> Fault:
    """The fault of a path that comes back to a chain on it."""
    loop = path[path.index(path[-1]) :]
    return Fault(
        loop[-2],
        0,
        loop[-1],
        f"a packet could go round for ever: {' -> '.join(loop)}",
        "Take one of these jumps out; to go back to the caller use RETURN.",
        "Too many levels of symbolic links",
    )


def _reached(table: TableName, called: _Called, order: Sequence[str]) -> dict[str, int]:
    """For every chain, listed after its callees, a bit for each hook whose packets get there."""
    reached = dict.fromkeys(("", *order), 0)
    reached |= {str(hook): 1 << number for number, hook in enumerate(hooks_of(table))}
    for name in reversed(order):
        bits = reached[name]
        for callee in called[name]:
            reached[callee] |= bits
    return reached


_Stretch = tuple[str, int, int, Sequence[Rule]]


def _extension_faults(table: TableName, stretches: Iterable[_Stretch]) -> Iterator[Fault]:
    right: defaultdict[int, set[int]] = defaultdict(set)  # the samples that passed, by hooks
    for name, bits, first, samples in stretches:
        passed = right[bits]
        if passed.issuperset(map(id, samples)):
            continue
        hooks = [hook for number, hook in enumerate(hooks_of(table)) if bits >> number & 1]
        for number, rule in enumerate(samples, start=first):
            for extension in () if id(rule) in passed else rule.extensions():
                if _fits_anywhere(type(extension)):
                    continue
                if trouble := _misplaced(extension, rule, table, hooks):
                    yield Fault(name, number, extension.name, *trouble)
            passed.add(id(rule))


def _stretches(
    samples: Mapping[str, Sequence[Rule]], live: Mapping[str, int], reached: Mapping[str, int]
) -> Iterator[_Stretch]:
    """Each chain's name, hooks, first rule's number and rules; twice if no packet gets to some."""
    for name, rules in samples.items():
        count = live.get(name)
        yield name, reached.get(name, 0), 1, rules[:count] if count else rules
        if count:
            yield name, 0, count + 1, rules[count:]


@cache
def _fits_anywhere(kind: type[Extension]) -> bool:
    """Whether the kernel takes extensions of this kind in every table, hook and rule."""
    asks = (kind.kernel_refusal, kind.kernel_refusal_beside)
    silent = asks == (Extension.kernel_refusal, Extension.kernel_refusal_beside)
    return silent and not (kind.tables or kind.hooks or kind.protocols)


def _misplaced(
    extension: Extension, rule: Rule, table: TableName, hooks: Sequence[Hook]
) -> Refused | None:
    """Cause and cure if the kernel forbids the extension here, else None."""
    name = extension.name
    if extension.tables and table not in extension.tables:
        return Refused(
            f"{name} works only in table {' or '.join(extension.tables)}, not in {table}",
            f"Put the rule into table {extension.tables[0]}.",
        )
    if extension.hooks and (bad := [hook for hook in hooks if hook not in extension.hooks]):
        return Refused(
            f"{name} does not work at {bad[0]}, and packets from there reach this rule",
            f"It works at {', '.join(extension.hooks)}.",
        )
    if extension.protocols and rule.header.named_protocol not in extension.protocols:
        return Refused(
            f"{name} needs to know the protocol first",
            f"Write {_protocols(extension.protocols)} in the rule.",
        )
    return extension.kernel_refusal_beside(rule.header.named_protocol, rule.tests(), hooks)


def _protocols(numbers: tuple[int, ...]) -> str:
    return " or ".join(f"-p {protocol_names()[number]}" for number in numbers)
