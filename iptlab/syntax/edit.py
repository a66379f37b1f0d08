"""A table between being opened and being committed: what every operation does to it.

iptables changes its own copy of a table and hands the kernel the whole at the end. So an
edit that fails, in the middle or when the kernel looks at the result, changes nothing.

Source: libiptc/libiptc.c, iptables/iptables.c
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from operator import attrgetter
from typing import ClassVar

from iptlab.errors import RulesetError
from iptlab.netfilter.actions import Verdict
from iptlab.netfilter.extension import INVALID, NO_SUCH
from iptlab.netfilter.hooks import Hook, TableName, hooks_of
from iptlab.netfilter.rules import (
    VERDICTS,
    ZERO,
    Counters,
    Fault,
    Jump,
    Rule,
    Table,
    faults,
)
from iptlab.packet import Family
from iptlab.syntax.chains import Chains, Entry, Written, new_entry, written
from iptlab.syntax.clauses import Clauses
from iptlab.syntax.grammar import Command, Place
from iptlab.syntax.listing import listed, rule_line
from iptlab.syntax.refusal import (
    BAD_BUILTIN,
    BAD_POLICY,
    BAD_RULE,
    LONGEST,
    nat_drop,
    refusal,
)
from iptlab.syntax.shapes import LONG, USER_CHAIN, Shape, Shapes, plain_words
from iptlab.syntax.template import QUOTED


@dataclass(slots=True)
class _Chain:
    """A chain while its table is open; ``fresh`` are counters that this edit has set.

    ``references`` is how many rules jump to it.
    """

    name: str
    policy: Verdict | None
    shapes: Shapes
    counters: Counters = ZERO
    fresh: bool = False
    entries: list[Entry] = field(default_factory=list)
    references: int = 0


# a line that makes a user chain; what comes before the options of a rule
_DECLARED = re.compile(r":([!-~]{1,28}) - \[0:0\]").fullmatch
_RULE = re.compile(r'(?:\[\d{1,19}:\d{1,19}\] )?-A ([^ "\\]+)(?= )', re.ASCII).match
_SAMPLE = attrgetter("sample")
_CALLEE = attrgetter("callee")


class Edit:
    """An open table; ``chains`` are its chains by name.

    What ``-v``, ``-L`` and ``-S`` print is added to ``output``; without it nothing is printed.
    ``hosts`` are names that ``-L`` shows instead of addresses. ``counted`` is whether it took
    rules that carry counters.
    """

    def __init__(
        self,
        table: Table,
        family: Family,
        output: list[str] | None = None,
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        self.hosts = hosts or {}
        self.name = table.name
        self.family = family
        self.output = output
        self.clauses = Clauses(family)
        self._users = Shapes(family)
        self.verbose = False
        self.changed = False
        self.counted = False
        self.chains: dict[str, _Chain] = {}
        for name, policy, counters, entries in written(table.chains):
            there = [entry._replace(line=0) if entry.line else entry for entry in entries]
            shapes = Shapes(family) if policy else self._users
            self.chains[name] = _Chain(name, policy, shapes, counters, entries=there)
        for chain in self.chains.values():
            self._hold(chain.entries)

    # --- looking at it ---

    def table(self) -> Table:
        """The table as it stands now."""
        chains = (
            Written(chain.name, chain.policy, chain.counters, tuple(chain.entries))
            for chain in self.chains.values()
        )
        return Table(self.name, Chains(chains))

    def commit(self) -> Table:
        """The table, if the kernel takes it; else RulesetError names the guilty rule.

        The counters of rules survive, but those of policies start from zero again with
        every change of a table, as with the real tool.
        """
        for chain in self.chains.values():
            if self.changed and not chain.fresh:
                chain.counters = ZERO
        callees = {name: [*map(_CALLEE, chain.entries)] for name, chain in self.chains.items()}
        samples = {name: [*map(_SAMPLE, chain.entries)] for name, chain in self.chains.items()}
        for fault in faults(self.name, callees, samples):
            raise self._guilty(fault)
        return self.table()

    def ordered(self) -> list[_Chain]:
        """Built-in chains in hook order, then user chains by name."""
        users = sorted(name for name, chain in self.chains.items() if chain.policy is None)
        return [self.chains[name] for name in (*hooks_of(self.name), *users)]

    # --- operations ---

    def apply(self, command: Command, place: Place) -> None:
        """Do what a command asks; RulesetError or RuleSyntaxError if it cannot be done."""
        self.verbose = any(name == "-v" for name, _ in command.switches)
        if self.verbose and self.output is not None:
            self.output += [rule_line(rule, self.family) for rule in command.rules]
        self._WORK[command.operation](self, command, place)
        self.changed |= command.operation not in _LOOKING
        if any(name == "-Z" for name, _ in command.switches):
            self._zero(command, place)
            self.changed = True

    def take(self, lines: Iterator[tuple[int, str]], *, counting: bool) -> tuple[int, str] | None:
        """Take lines there is nothing to say about; the answer is the first other one, if any.

        Such are new chains and rules like earlier ones. Unless ``counting`` a rule starts at zero.
        """
        chains, start = self.chains, "\n"  # no line starts so
        for number, line in lines:
            if not line.startswith(start):
                found = _RULE(line)
                if found is None:
                    if not line or ((made := _DECLARED(line)) and self.declare(made[1])):
                        continue
                    return number, line
                at = found.end()
                counted: Counters | None = ZERO
                if line[0] == "[":
                    self.counted, counted = True, None if counting else ZERO
                chain, start = chains.get(found[1]), line[: at + 1]
            if chain is None or len(line) >= LONG:
                return number, line
            shapes = chain.shapes
            if hit := shapes.fits(line, at):
                way = hit.lastindex or 1  # every way ends in a group
                shape, callee = shapes.often[way - 1], hit[way]
                called = chains.get(callee) if callee else None
            if not hit or (called.policy if called else callee or shape.target in chains):
                known = self._known(chain, line[line.index("-A ") :])
                if known is None:
                    return number, line
                shape, callee, called = known
            if called:
                callee = called.name  # the same text, but kept once
                called.references += 1
            entry = new_entry((shape.example, shape, callee, counted, number, line))
            chain.entries.append(entry)
            self.changed = True
        return None

    def _known(self, chain: _Chain, line: str) -> tuple[Shape, str, _Chain | None] | None:
        """The shape of a line that is like an earlier one, and the chain it jumps to."""
        words = plain_words(line)
        if words is None:
            return None
        called = self._nameless(words)
        shape = chain.shapes.find(words[2:])
        if shape is None or (called is None and shape.target in self.chains):
            return None
        return shape, called.name if called else "", called

    def learn(self, plain: str, rule: Rule) -> None:
        """Remember that a plain line was appended, and what it means."""
        if words := plain_words(plain):
            self._nameless(words)
            self.chains[words[1]].shapes.learn(words, plain, rule)

    def _nameless(self, words: list[str]) -> _Chain | None:
        """Put a mere mark in place of the user chain that a rule jumps to; that is the answer."""
        named = words[-2] in ("-j", "-g") and words[-1] != QUOTED
        callee = self.chains.get(words[-1]) if named else None
        if callee is None or callee.policy is not None:
            return None
        words[-1] = USER_CHAIN
        return callee

    def append(self, name: str, rule: Rule, place: Place) -> None:
        """Put a rule at the end of a chain."""
        target = rule.target
        if self.name is TableName.NAT and target is not None and target.name == "DROP":
            raise nat_drop(place)
        chain = self._chain(name, place)
        if isinstance(target, Jump):
            self._check_jump(target, place)
        self.put_unchecked(chain.name, rule, place)

    def put_unchecked(self, name: str, rule: Rule, place: Place, at: int | None = None) -> None:
        """The same, or before rule ``at``, with a rule of which the kernel may say anything."""
        entry = Entry.of(rule, place)
        self._hold([entry])
        entries = self.chains[name].entries
        entries.insert(len(entries) if at is None else at - 1, entry)
        self.changed = True

    def _append(self, command: Command, place: Place) -> None:
        for rule in command.rules:
            self.append(command.chain, rule, place)

    def _insert(self, command: Command, place: Place) -> None:
        number = command.number or 1
        for rule in command.rules:
            chain = self._chain(command.chain, place)
            if number > len(chain.entries) + 1:
                raise self._too_big("insertion", command, place)
            self._check_jump(rule.target, place)
            entry = Entry.of(rule, place)
            self._hold([entry])
            chain.entries.insert(number - 1, entry)

    def _replace(self, command: Command, place: Place) -> None:
        (rule,) = command.rules
        chain = self._chain(command.chain, place)
        at = (command.number or 1) - 1
        if at >= len(chain.entries):
            raise self._too_big("replacement", command, place)
        self._check_jump(rule.target, place)
        self._release([chain.entries[at]])
        chain.entries[at] = Entry.of(rule, place)
        self._hold([chain.entries[at]])

    def _delete(self, command: Command, place: Place) -> None:
        if command.number is None:
            for rule in command.rules:
                chain, at = self._find(command.chain, rule, place)
                self._release([chain.entries.pop(at)])
            return
        chain = self._chain(command.chain, place)
        if command.number > len(chain.entries):
            raise self._too_big("deletion", command, place)
        self._release([chain.entries.pop(command.number - 1)])

    def _check(self, command: Command, place: Place) -> None:
        missing: RulesetError | None = None
        for rule in command.rules:
            try:
                self._find(command.chain, rule, place)
            except RulesetError as error:
                missing = error
        if missing:
            raise missing

    def _find(self, name: str, rule: Rule, place: Place) -> tuple[_Chain, int]:
        """The chain and the place in it of the first rule that says the same."""
        chain = self.chains.get(name)
        if chain is not None:
            self._check_jump(rule.target, place)
            chain.entries = [entry.read() for entry in chain.entries]
            for at, entry in enumerate(chain.entries):
                if entry.sample == rule:
                    return chain, at
        plain = rule.target is None or rule.target.name in VERDICTS
        raise refusal(
            place,
            name,
            f"chain {name} has no rule `{rule}'" if chain else self._no_chain(name),
            "iptables -S shows the rules as iptables compares them; -D takes a number too.",
            BAD_RULE if plain or chain is None else NO_SUCH,
        )

    def _new(self, command: Command, place: Place) -> None:
        self.create(command.chain, place)

    def declare(self, name: str) -> bool:
        """Make an empty user chain unless the name is taken; whether it was done."""
        if name in self.chains or name in VERDICTS:
            return False
        self.chains[name] = _Chain(name, None, self._users)
        self.changed = True
        return True

    def create(self, name: str, place: Place) -> None:
        """Make an empty user chain."""
        if name in self.chains or name in VERDICTS:
            raise refusal(
                place,
                name,
                f"table {self.name} has a chain {name} already",
                f"Leave the line out, or empty the chain first: -F {name}.",
                "Chain already exists",
            )
        self.chains[name] = _Chain(name, None, self._users)
        self.changed = True

    def _remove(self, command: Command, place: Place) -> None:
        names = [command.chain]
        if not command.chain:
            names = [chain.name for chain in self.ordered() if chain.policy is None]
        trouble: RulesetError | None = None
        for name in names:
            self._say(f"Deleting chain `{name}'")
            try:
                self.remove(name, place)
            except RulesetError as error:
                trouble = error
        if trouble:
            raise trouble

    def remove(self, name: str, place: Place) -> None:
        """Take away a user chain that is empty and that no rule names."""
        chain = self._chain(name, place)
        if chain.policy is not None:
            cause, cure, tool = f"{name} is a built-in chain", "Built-in chains stay.", INVALID
        elif chain.references:
            cause = f"{chain.references} rules still jump to {name}"
            cure, tool = "Delete those rules first.", "Too many links"
        elif chain.entries:
            cause, tool = f"chain {name} still has rules", "Directory not empty"
            cure = f"Empty it first: -F {name}."
        else:
            del self.chains[name]
            self.changed = True
            return
        raise refusal(place, name, cause, cure, tool)

    def _flush(self, command: Command, place: Place) -> None:
        for name in [command.chain] if command.chain else [c.name for c in self.ordered()]:
            self._say(f"Flushing chain `{name}'")
            self.flush(name, place)

    def flush(self, name: str, place: Place) -> None:
        """Take all rules out of a chain."""
        chain = self._chain(name, place)
        self._release(chain.entries)
        chain.entries = []
        self.changed = True

    def _zero(self, command: Command, place: Place) -> None:
        if command.number is not None:
            chain = self._chain(command.chain, place)
            if command.number > len(chain.entries):
                raise self._too_big("counter", command, place)
            at = command.number - 1
            chain.entries[at] = _zeroed(chain.entries[at])
            return
        for name in [command.chain] if command.chain else [c.name for c in self.ordered()]:
            self._say(f"Zeroing chain `{name}'")
            chain = self._chain(name, place)
            chain.entries = [_zeroed(entry) for entry in chain.entries]
            chain.counters = chain.counters if chain.fresh else ZERO

    def _policy(self, command: Command, place: Place) -> None:
        self.set_policy(command.chain, command.argument, set_counters(command), place)

    def set_policy(self, name: str, policy: str, counters: Counters, place: Place) -> None:
        """Give a built-in chain another policy and other counters."""
        chain = self.chains.get(name)
        if chain is None or chain.policy is None:
            hooks = ", ".join(hooks_of(self.name))
            cure = f"The built-in chains of {self.name} are {hooks}; for a user chain write -."
            cause = f"only built-in chains have a policy, and {name} is none"
            raise refusal(place, name, cause, cure, BAD_BUILTIN)
        if policy not in ("ACCEPT", "DROP"):
            cause = f"`{policy}' is no policy"
            cure = "The policy of a built-in chain is ACCEPT or DROP."
            raise refusal(place, policy, cause, cure, BAD_POLICY)
        chain.policy, chain.counters, chain.fresh = Verdict(policy), counters, True
        self.changed = True

    def _rename(self, command: Command, place: Place) -> None:
        old, new = command.chain, command.argument
        if new in self.chains or new in VERDICTS:
            cause = f"the name {new} is taken"
            raise refusal(place, new, cause, "Choose another name.", "File exists")
        chain = self.chains.get(old)
        if chain is None or chain.policy is not None:
            cause = f"{old} is a built-in chain" if chain else self._no_chain(old)
            raise refusal(place, old, cause, "Name a user chain; -S lists them.", NO_SUCH)
        if len(new.encode()) > LONGEST:
            cause = f"the name {new} is too long"
            raise refusal(place, new, cause, "A chain name has 1 to 28 characters.", INVALID)
        del self.chains[old]
        chain.name = new
        self.chains[new] = chain
        if chain.references:
            self._redirect(old, new)

    def _redirect(self, old: str, new: str) -> None:
        """Let every rule that names one chain name another instead."""
        for chain in self.chains.values():
            for at, entry in enumerate(chain.entries):
                if entry.callee == old:
                    rule = entry.rule()
                    assert isinstance(rule.target, Jump)
                    rule = replace(rule, target=replace(rule.target, chain=new))
                    chain.entries[at] = entry._replace(sample=rule, shape=None, callee=new)

    def _look(self, command: Command, place: Place) -> None:
        """List rules, which changes nothing; the chain must be there."""
        if command.chain:
            self._chain(command.chain, place)
        if self.output is not None:
            self.output += listed(self.table(), command, self.family, self.hosts)

    _WORK: ClassVar[dict[str, Callable[[Edit, Command, Place], None]]] = {
        "-A": _append,
        "-I": _insert,
        "-D": _delete,
        "-R": _replace,
        "-C": _check,
        "-N": _new,
        "-X": _remove,
        "-F": _flush,
        "-Z": _zero,
        "-P": _policy,
        "-E": _rename,
        "-L": _look,
        "-S": _look,
    }

    # --- rules that name chains ---

    def _hold(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.callee:
                self.chains[entry.callee].references += 1

    def _release(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.callee:
                self.chains[entry.callee].references -= 1

    def _check_jump(self, target: object, place: Place) -> None:
        if not isinstance(target, Jump):
            return
        if target.chain in self.chains and self.chains[target.chain].policy is None:
            return
        raise refusal(
            place,
            target.chain,
            f"{target.chain} is a built-in chain; only user chains can be jumped to",
            "The kernel enters a built-in chain by itself, at its hook.",
            INVALID,
            last=True,
        )

    # --- saying and refusing ---

    def _say(self, line: str) -> None:
        if self.verbose and self.output is not None:
            self.output.append(line)

    def _no_chain(self, name: str) -> str:
        return f"table {self.name} has no chain `{name}'"

    def _chain(self, name: str, place: Place) -> _Chain:
        try:
            return self.chains[name]
        except KeyError:
            cure = f"Make the chain first: -N {name} (in a dump `:{name} - [0:0]')."
            if Hook.named(name):
                tables = [table for table in TableName if name in hooks_of(table)]
                cure = f"{name} is a chain of {' and '.join(tables)}: choose one with -t."
            elif name.upper() in self.chains:
                cure = f"Did you mean {name.upper()}? Built-in chains are in upper case."
            elif near := get_close_matches(name[:LONGEST].upper(), hooks_of(self.name), n=2):
                cure = f"Did you mean {' or '.join(near)}?"
            raise refusal(place, name, self._no_chain(name), cure, NO_SUCH) from None

    def _too_big(self, what: str, command: Command, place: Place) -> RulesetError:
        count = len(self.chains[command.chain].entries)
        cause = f"chain {command.chain} has {count} rules"
        cure = f"The number may be at most {count + (what == 'insertion')}."
        if not count:
            cure = "The chain is empty; iptables -L CHAIN --line-numbers shows what is there."
        return refusal(place, str(command.number), cause, cure, f"Index of {what} too big")

    def _guilty(self, fault: Fault) -> RulesetError:
        entries = self.chains[fault.chain].entries
        if fault.number:
            guilty = entries[fault.number - 1]
        else:
            guilty = next(entry for entry in entries if entry.callee == fault.word)
        return refusal(guilty.place, fault.word, fault.cause, fault.cure, fault.kernel, last=True)


# operations that do not change a table by themselves; -X may find nothing to delete
_LOOKING = ("-C", "-L", "-S", "-X")


def set_counters(command: Command) -> Counters:
    """What ``-c PACKETS BYTES`` says; nothing has been counted if it is not there."""
    for name, words in command.switches:
        if name == "-c":
            return Counters(*map(int, words))
    return ZERO


def _zeroed(entry: Entry) -> Entry:
    """A rule with its count forgotten; counters that this edit has set stay."""
    if entry.line or not any(entry.counters):
        return entry
    return Entry.of(replace(entry.rule(), counters=ZERO))
