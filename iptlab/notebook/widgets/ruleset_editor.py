"""Rules to be typed, read as one types, and compared at once with those that are wanted."""

from __future__ import annotations

import re

from iptlab import course
from iptlab.errors import IptlabError, RuleError
from iptlab.grading import Scope, WriteRules
from iptlab.grading.reading import read_answer
from iptlab.html import Html
from iptlab.notebook.session import seed
from iptlab.notebook.widgets.exercise_panel import begun
from iptlab.notebook.widgets.form import Field, Form, Reply
from iptlab.ruleset import Ruleset
from iptlab.view import ruleset_html

_MOST_ROWS = 8
_WRITTEN = "rules, as iptables-save prints them or as commands"
# rules to begin with, offered where one is to be added
_USUAL = (
    "-P INPUT DROP",
    "-P FORWARD DROP",
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    "-A INPUT -p tcp --dport 22 -j ACCEPT",
    "-A INPUT -s 10.0.0.0/8 -j ACCEPT",
    "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    "-A FORWARD -i eth1 -o eth0 -j ACCEPT",
    "-A INPUT -j REJECT",
    "-t nat -A POSTROUTING -o eth0 -j MASQUERADE",
    "-t nat -A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 192.168.1.10:80",
)
# what rules are called that no exercise asks for, and what is wanted of them
_OTHER, _SAYS = "your rules", "Every packet should fare as under the rules that are wanted."


class RulesetEditor(Form):
    """A form for rules; ``rules`` is them read.

    ``RulesetEditor("01-ssh")`` compares them with what that exercise wants, with a packet that
    proves a difference; ``RulesetEditor(reference)`` with other rules, given as a Ruleset or as
    text. Nothing is noted down: that is what ``iptlab.check`` is for.
    """

    def __init__(
        self,
        reference: Ruleset | str | None = None,
        rules: str = "",
        *,
        scope: Scope | None = None,
    ) -> None:
        self.judge = _judge(reference, scope or Scope())
        if self.judge and not rules:
            # a repair begins with rules; the first line names the cell's magic
            rules = begun(self.judge).partition("\n")[2]
        super().__init__(
            f"Rules for {self.judge.id}" if self.judge and self.judge.id != _OTHER else "Rules",
            Field("rules", _WRITTEN, "lines", (), min(_MOST_ROWS, rules.count("\n") + 4)),
            Field("line", "one more rule, picked or typed", "wide", _USUAL),
            buttons=[["add", "Add the rule"]],
            values={"rules": rules, "line": ""},
            intro=self.judge.task if self.judge else "",
        )

    @property
    def rules(self) -> Ruleset:
        """The rules as they stand in the form; RuleError if they cannot be read."""
        return self._read(self.values["rules"])

    def _read(self, text: str) -> Ruleset:
        return read_answer(text, self.judge.family if self.judge else 4)

    def answer(self, do: str) -> Reply:
        rules, line = self.values["rules"], self.values["line"]
        marks = {}
        for name, text in (("rules", rules), ("line", line)):
            try:
                self._read(text)
            except RuleError as error:
                marks[name] = str(error)
        if do == "add" and line and not marks:
            return self._added(f"{rules.rstrip()}\n{line}\n".lstrip())
        if "rules" in marks or not rules.strip():
            return Reply(marks=marks)
        return Reply(self._verdict(rules), marks)

    def _added(self, rules: str) -> Reply:
        """The rules with one more, if they go together."""
        try:
            verdict = self._verdict(rules)
        except RuleError as error:
            return Reply(marks={"line": str(error)})
        return Reply(verdict, values={"rules": rules, "line": ""}, all=True)

    def _verdict(self, text: str) -> Html:
        rules = self._read(text)
        return self.judge.judge_rules(rules).html() if self.judge else ruleset_html(rules)


def _judge(reference: Ruleset | str | None, scope: Scope) -> WriteRules | None:
    """What the rules are compared with: an exercise, or other rules."""
    if reference is None:
        return None
    if isinstance(reference, Ruleset):
        family = reference.family
        text = reference.save()
        return WriteRules(id=_OTHER, reference=text, says=_SAYS, scope=scope, family=family)
    if not re.fullmatch(r"\d\d-[\w-]+", reference):
        return WriteRules(id=_OTHER, reference=reference, says=_SAYS, scope=scope)
    exercise = course.exercise(reference, seed())
    if not isinstance(exercise, WriteRules):
        raise IptlabError(f"{exercise.id} does not ask for rules; write ExercisePanel")
    return exercise
