"""The comparison of rule sets beside z3 and beside parsing, each pair in one run.

Run with ``python tests/benchmarks/compare.py``; the columns with z3 need ``pip install
z3-solver``. Ratios hold on a noisy machine; the times beside them are only for orientation.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from dumps import access_list, firewall, kube_proxy
from mutants import NODE, references

from iptlab.grading.asking import asks
from iptlab.grading.compare import compare
from iptlab.grading.scope import Scope
from iptlab.matches.icmp import IcmpTypes
from iptlab.netfilter.actions import Call, Decide, Return
from iptlab.netfilter.context import Context
from iptlab.netfilter.extension import Condition
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.networks import Network
from iptlab.netfilter.ports import PortList, PortRange
from iptlab.netfilter.rules import Rule, Table
from iptlab.netfilter.values import FlagTest, InterfaceName, ProtocolNumber, StateSet
from iptlab.packet import Packet
from iptlab.ruleset import Ruleset

Term = Any
CONTEXT = Context()
SAMPLE = Packet.parse("tcp 10.0.0.9:4000 -> 10.0.0.1:22")


def cpu(work: Callable[[], object], runs: int) -> float:
    """Median processor time of one call, in milliseconds."""
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


# --- the same question put to a solver, for one hook of the filter table ---


class Solver:
    """Two rule sets as terms over bit vectors; they ask for a packet with two ends."""

    def __init__(self, family: int) -> None:
        import z3

        self.z3 = z3
        bits = 32 if family == 4 else 128
        sizes = {"src": bits, "dst": bits, "sport": 16, "dport": 16, "protocol": 8}
        sizes |= {"flags": 8, "icmp": 16, "ctstate": 3, "in_interface": 8, "out_interface": 8}
        self.fields = {name: z3.BitVec(name, size) for name, size in sizes.items()}
        self.numbers: dict[str, int] = {}
        self.ends: dict[str, int] = {}

    def packet(self, one: Table, two: Table, hook: Hook) -> Term | None:
        """Some packet that fares differently; None if there is none."""
        solver = self.z3.SolverFor("QF_BV")
        left, right = (self.chain(table, hook, table.chains[hook].policy) for table in (one, two))
        solver.add(left != right)
        return solver.model() if solver.check() == self.z3.sat else None

    def end(self, name: object) -> Term:
        number = self.ends.setdefault(str(name), len(self.ends))
        return self.z3.BitVecVal(number, 8)

    def chain(self, table: Table, name: str, policy: object) -> Term:
        return self.walk(table, name, self.end(policy))

    def walk(self, table: Table, name: str, behind: Term) -> Term:
        """The end of packets that come to a chain; ``behind`` is what follows it."""
        term = behind
        for rule in reversed(table.chains[name].rules):
            target = self.target(table, rule, term, behind)
            if target is not term:
                term = self.z3.If(self.rule(rule), target, term)
        return term

    def target(self, table: Table, rule: Rule, rest: Term, behind: Term) -> Term:
        if rule.target is None:
            return rest
        match rule.target.act(SAMPLE, CONTEXT):
            case Decide(verdict, reply):
                return self.end(f"{verdict} {reply}".strip())
            case Call(name, goto):
                return self.walk(table, name, behind if goto else rest)
            case Return():
                return behind
        return rest

    def rule(self, rule: Rule) -> Term:
        tests: list[Term] = []
        for match in rule.tests():
            asked = asks(match)
            tests += [self.condition(condition) for condition in asked.conditions]
            tests += [self.z3.Bool(asked.opaque)] if asked.opaque else []
        return self.z3.And(*tests)

    def condition(self, condition: Condition) -> Term:
        term = self.value(self.fields[condition.field.name], condition.given.value)
        return self.z3.Not(term) if condition.given.negated else term

    def value(self, x: Term, value: object) -> Term:
        z3 = self.z3
        match value:
            case Network(address, mask):
                return x & mask == address
            case PortRange(low, high):
                return x == low if low == high else z3.And(z3.UGE(x, low), z3.ULE(x, high))
            case PortList(ranges):
                return z3.Or(*(self.value(x, part) for part in ranges))
            case ProtocolNumber(number):
                return x == number
            case FlagTest(mask, wanted):
                return x & int(mask) == int(wanted)
            case IcmpTypes(kind, code):
                return z3.LShR(x, 8) == kind if code is None else x == kind * 256 + code
            case StateSet(states):
                return z3.Or(*(x == self.number(state) for state in states))
            case InterfaceName(name):
                return x == self.number(name)
        raise TypeError(f"no term for {value!r}")

    def number(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))


def solve(one: Ruleset, two: Ruleset, hook: Hook) -> Term | None:
    tables = (rules.tables[TableName.FILTER] for rules in (one, two))
    return Solver(one.family).packet(*tables, hook)


# --- the table ---

EXERCISES = {
    "ssh-only": "-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\n",
    "web-and-admin": "-A ADMIN -s 192.0.2.66/32 -j RETURN\n",
    "desktop-v6": "-A INPUT -p tcp -j REJECT --reject-with tcp-reset\n",
}


def pair(text: str, line: str, family: int = 4) -> tuple[Ruleset, Ruleset]:
    """A rule set, and the same without a line."""
    assert line in text
    return Ruleset.parse(text, family), Ruleset.parse(text.replace(line, "", 1), family)


def row(name: str, one: Ruleset, two: Ruleset, hook: Hook, runs: int) -> None:
    """Times for a pair that differs and for one that does not, with and without z3."""
    scope = Scope(hooks=(hook,))
    said = f"{name:<16}"
    for other in (two, one):
        ours = cpu(partial(compare, one, other, scope), runs)
        said += f"{ours:>9.1f} ms"
        if find_spec("z3"):
            assert (solve(one, other, hook) is None) == compare(one, other, scope).same
            theirs = cpu(partial(solve, one, other, hook), runs)
            said += f" z3 {theirs:>7.1f} ms ratio {ours / theirs:>4.2f}"
    print(said, flush=True)


def beside_parsing(services: int, endpoints: int) -> None:
    """A kube-proxy pair beside the time to parse both dumps."""
    text = kube_proxy(services, endpoints)
    other = text.replace("-s 10.244.0.9/32", "-s 10.244.0.8/32", 1)
    parse = cpu(lambda: (Ruleset.parse(text), Ruleset.parse(other)), 3)
    one, two = Ruleset.parse(text), Ruleset.parse(other)
    for said, second in (("different", two), ("the same", one)):
        ours = cpu(partial(compare, one, second, Scope(host=NODE)), 3)
        print(
            f"kube-proxy {services} x {endpoints}, {said}: {ours:,.0f} ms, "
            f"{ours / parse:.1f} x parsing both ({parse:.0f} ms)"
        )


def main() -> None:
    """Print the tables."""
    if not find_spec("z3"):
        print("z3-solver is not installed: times without it")
    known = {one.name: one for one in references()}
    print(f"{'':<16}{'different':>12}{'':<24}{'the same':>12}")
    for name, line in EXERCISES.items():
        reference = known[name]
        one, two = pair(reference.text, line, reference.family)
        row(name, one, two, Hook.INPUT, 15)
    for size, runs in ((200, 5), (1000, 3)):
        text = firewall(size)
        lines = [line for line in text.splitlines(keepends=True) if "-j DROP" in line]
        row(f"firewall {size}", *pair(text, lines[len(lines) // 2]), Hook.INPUT, runs)
    for size, runs in ((200, 3), (2000, 1)):
        text = access_list(size)
        lines = [line for line in text.splitlines(keepends=True) if "-j ACCEPT" in line]
        row(f"access list {size}", *pair(text, lines[len(lines) // 4]), Hook.FORWARD, runs)
    beside_parsing(20, 10)
    beside_parsing(100, 10)


if __name__ == "__main__":
    main()
