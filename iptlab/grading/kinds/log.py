"""Add a rule that writes to the log: about the right packets, with no say in their fate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from iptlab.errors import CannotCompare
from iptlab.grading.compare import compare
from iptlab.grading.feedback import Difference
from iptlab.grading.kinds.write import WriteRules, cannot
from iptlab.grading.replay import play
from iptlab.grading.result import Result
from iptlab.grading.scope import Logs, Scope
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Chain, Rule
from iptlab.ruleset import Ruleset
from iptlab.simulate.situation import trace
from iptlab.syntax.save import Dump
from iptlab.targets.log import Log, Prefix


@dataclass(frozen=True, kw_only=True)
class LogRules(WriteRules):
    """Let the log tell of all packets of ``logged``, and of none that are not in ``at_most``.

    Both are written as a rule would ask for them; without ``at_most`` it is the same. Lines must
    begin with the ``prefix``, if there is one. Packets must fare as under the ``reference``,
    whatever that logs itself. The scope has one hook; its chain in table filter is meant.
    """

    logged: str
    at_most: str = ""
    prefix: str = ""

    def judge_rules(self, rules: Ruleset) -> Result:
        try:
            return self._missed_out(rules) or self._in_excess(rules) or super().judge_rules(rules)
        except CannotCompare as error:
            return self.unreadable(cannot(error), "cannot-compare")

    def _missed_out(self, rules: Ruleset) -> Result | None:
        """The verdict if a packet is not logged that should be."""
        found = compare(self._with_log(rules, self.logged), rules, self._log).difference
        message = f"This packet should be logged{self._named}, and is not."
        return self._told(rules, found, message, f"a line in the log{self._named}")

    def _in_excess(self, rules: Ruleset) -> Result | None:
        """The same if one is logged that should not be."""
        asked = self.at_most or self.logged
        before, after = self._with_log(_without_logs(rules), asked), self._with_log(rules, asked)
        found = compare(before, after, self._log).difference
        message = "This packet is logged, and should not be."
        if self.prefix:
            message = f"This packet is logged, and should not be, or not{self._named}."
        return self._told(rules, found, message, "no other line in the log")

    def _told(
        self, rules: Ruleset, found: Difference | None, message: str, wanted: str
    ) -> Result | None:
        if found is None:
            return None
        evidence = play(rules.tables, found.case, self.scope)[0].evidence
        facts = (("packet", found.situation), ("wanted", wanted))
        return self.wrong(rules, message, evidence, facts=facts)

    @property
    def _named(self) -> str:
        return f' with the prefix "{self.prefix}"' if self.prefix else ""

    @property
    def _log(self) -> Scope:
        logs = Logs.PREFIXES if self.prefix else Logs.PACKETS
        return replace(self.scope, aspects=frozenset(), logs=logs)

    def _with_log(self, rules: Ruleset, asked: str) -> Ruleset:
        """The rules with one above them that logs what is asked for."""
        (hook,) = self.scope.hooks
        target = Log(Prefix(self.prefix) if self.prefix else None)
        first = replace(replace(self.scope, assume=asked).region(rules.family), target=target)
        table = rules.table(TableName.FILTER)
        chain = table.chains[hook]
        chains = {**table.chains, hook: replace(chain, rules=(first, *chain.rules))}
        tables = {**rules.tables, TableName.FILTER: replace(table, chains=chains)}
        return Ruleset(Dump(tables), rules.family)


def _without_logs(rules: Ruleset) -> Ruleset:
    """The rules without those that write to the log."""

    def quiet(chain: Chain) -> Chain:
        return replace(chain, rules=tuple(filter(_is_quiet, chain.rules)))

    tables = {
        name: replace(table, chains={key: quiet(one) for key, one in table.chains.items()})
        for name, table in rules.tables.items()
    }
    return Ruleset(Dump(tables), rules.family)


def _is_quiet(rule: Rule) -> bool:
    return not isinstance(rule.target, Log)


def writes(packet: str) -> Callable[[object], bool]:
    """The mistake of rules that write to the log about this packet."""

    def shows(answer: object) -> bool:
        return isinstance(answer, Ruleset) and any(
            not _is_quiet(step.rule)
            for visit in trace(answer, packet).tables
            for step in visit.matched()
        )

    return shows
