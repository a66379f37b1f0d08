"""Put given lines into an order that works: distractors are left out, blanks filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_lowercase

from iptlab.errors import RuleError
from iptlab.grading.kinds.write import WriteRules
from iptlab.grading.reading import read_answer
from iptlab.grading.result import Result

BLANK = "___"


@dataclass(frozen=True, kw_only=True)
class Arrange(WriteRules):
    """Put lines into an order; every order that does the right thing is right.

    ``lines`` are called a, b, c, ... in this order; one may have a blank ``___``. ``above``
    stands before whatever is chosen. An answer is ``"c a=22 b"``: letters in their order, with
    what goes into a blank. It is judged as rules are, by goals or a reference.
    """

    magic = ""

    lines: tuple[str, ...]
    above: str = ""

    def judge(self, answer: object) -> Result:
        if isinstance(answer, list | tuple):
            answer = " ".join(map(str, answer))
        if not isinstance(answer, str):
            return self.unreadable('The answer is letters in quotes, such as "c a b".', "not-text")
        text, complaint = self._text(answer)
        if complaint:
            return self.unreadable(complaint, "no-order")
        try:
            rules = read_answer(text, self.family)
        except RuleError as error:
            return self.unreadable(f"Your lines are:\n{text}\n{error}", "unreadable")
        return self.judge_rules(rules)

    def _text(self, answer: str) -> tuple[str, str]:
        """The chosen lines as text, or what cannot be understood of the answer."""
        answer = re.sub(r"\s*=\s*", "=", answer.strip())
        # a comma before a word or a number is part of what goes into a blank: e=NEW,UNTRACKED
        words = re.split(r"(?:\s|,(?![A-Za-z]{2}|\d))+", answer)
        if len(words) == 1 and "=" not in answer:
            words = list(answer)
        chosen: dict[str, str] = {}
        for word in words:
            letter, _, filling = word.partition("=")
            letter = letter.lower()
            if complaint := self._complaint(letter, filling, chosen):
                return "", complaint
            line = self.lines[ascii_lowercase.index(letter)]
            chosen[letter] = line.replace(BLANK, filling)
        return "\n".join(filter(None, [self.above.strip("\n"), *chosen.values()])), ""

    def _complaint(self, letter: str, filling: str, chosen: dict[str, str]) -> str:
        last = ascii_lowercase[len(self.lines) - 1]
        if len(letter) != 1 or letter not in ascii_lowercase[: len(self.lines)]:
            return f'`{letter[:20]}\' is no line here. Write letters from a to {last}: "b a".'
        if letter in chosen:
            return f"Line {letter} is there twice. Every line can be used once."
        if (BLANK in self.lines[ascii_lowercase.index(letter)]) != bool(filling):
            if filling:
                return f"Line {letter} has no blank to put `{filling[:20]}' into."
            return f"Line {letter} has a blank. Say what goes into it: {letter}=..."
        return ""
