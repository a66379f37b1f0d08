"""Rules to be typed, read as one types, and compared at once with those that are wanted."""

from __future__ import annotations

import re

from iptlab import course
from iptlab.errors import IptlabError, RuleError
from iptlab.grading import Scope, WriteRules
from iptlab.grading.reading import read_answer
from iptlab.notebook.session import seed
from iptlab.notebook.widgets.exercise_panel import begun
from iptlab.notebook.widgets.form import Field, Form, Reply
from iptlab.ruleset import Ruleset
from iptlab.view import ruleset_html

_ROWS = 8
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
            Field(
                "rules", "rules, as iptables-save prints them or as commands", "lines", (), _ROWS
            ),
            values={"rules": rules},
            intro=self.judge.task if self.judge else "",
        )

    @property
    def rules(self) -> Ruleset:
        """The rules as they stand in the form; RuleError if they cannot be read."""
        return read_answer(self.values["rules"], self.judge.family if self.judge else 4)

    def answer(self, do: str) -> Reply:
        if not self.values["rules"].strip():
            return Reply("Type a rule such as: -A INPUT -p tcp --dport 22 -j ACCEPT")
        try:
            rules = self.rules
        except RuleError as error:
            return Reply(marks={"rules": str(error)})
        return Reply(self.judge.judge_rules(rules).html() if self.judge else ruleset_html(rules))


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
