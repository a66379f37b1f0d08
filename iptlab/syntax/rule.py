"""One line of iptables' language, read word by word as the tool itself does.

Both ``iptables`` command lines and the ``-A`` lines of a dump are read here.

Source: iptables/xshared.c (do_parse, command_default), man page iptables(8)
"""

from __future__ import annotations

import re
from collections.abc import Container

from iptlab.errors import RuleSyntaxError
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Counters
from iptlab.packet import Family
from iptlab.syntax.cursor import Cursor
from iptlab.syntax.draft import LineDraft
from iptlab.syntax.finish import finished
from iptlab.syntax.grammar import (
    FINAL,
    JUMPS,
    LOAD_MATCH,
    ONCE,
    OPERATIONS,
    SWITCHES,
    Command,
    Place,
)
from iptlab.syntax.option_names import (
    cure_of_stray,
    full_name,
    needs_word,
    stands_alone,
    takes_word,
    unknown,
)
from iptlab.syntax.parts import Parts
from iptlab.syntax.refusal import check_new_name
from iptlab.syntax.tokens import Token


def read_command(
    tokens: list[Token],
    place: Place,
    family: Family,
    chains: Container[str] = (),
    table: TableName = TableName.FILTER,
) -> Command:
    """The command that the words of one line spell; RuleSyntaxError for what they do not.

    ``chains`` are the user and built-in chains of ``table``, which ``-j`` may name.
    """
    reader = _Reader(LineDraft(tokens, place, family, table), chains)
    try:
        return reader.read()
    except RuleSyntaxError as error:
        error.warnings = (*reader.line.warnings, *error.warnings)
        raise


class _Reader:
    """Walks over the words once, as getopt does."""

    def __init__(self, line: LineDraft, chains: Container[str]) -> None:
        self.line = line
        self.words = Cursor(line.tokens, line.place)
        self.place = line.place
        self.parts = Parts(line, self.words, chains)

    # --- the loop ---

    def read(self) -> Command:
        while (token := self.words.next()) is not None:
            try:
                self._word(token)
            except RuleSyntaxError as error:
                error.cure = self._cure(error.word, token) or error.cure
                raise
        return finished(self.line)

    def _cure(self, word: str, token: Token) -> str:
        """What to type instead, if the words around the refused one of that option tell."""
        if word == "!" and self.line.bang is None and token.text != "!":
            return "The ! stands before the option: ! -s 10.0.0.1."
        if word == token.text and len(word) > 2 and word[:2] in _WHOLE_WORD:
            return f"This release needs a blank here: {word[:2]} VALUE."
        if word.endswith(",") and self.words.argument_follows():
            return f"Take the blank out: {token.text} {word}{self.words.take().text}."
        return ""

    def _word(self, token: Token) -> None:
        if token.text == "!":
            if self.line.bang:
                raise self._error(token, "multiple consecutive ! not allowed", "Write one !.")
            self.line.bang = token
        elif token.text == "--":
            if not self.words.ended:
                cause = "unknown arguments found on commandline"
                raise self._error(token, cause, "Leave the -- out.")
        elif token.text.startswith("--") and len(token.text) > 2:
            self._long(token)
        elif token.text.startswith("-") and len(token.text) > 1:
            self._short(token)
        else:
            tokens, at = self.words.tokens, self.words.at
            cure = cure_of_stray(token.text, tokens[: at - 1], tokens[at:])
            raise self._error(token, f"Bad argument `{token.text}'", cure)

    def _long(self, token: Token) -> None:
        name, equals, value = token.text.partition("=")
        full = full_name(name, self.line)
        if equals and stands_alone(full, self.line):
            raise unknown(token._replace(text=name), self.line)
        if equals:
            word = Token(value, token.column + len(name) + 1, token.end, True)
            self.words.insert(token if full in _WHOLE_WORD else word)
        self._option(full, token._replace(text=name))

    def _short(self, token: Token) -> None:
        name, glued = token.text[:2], token.text[2:]
        if glued:
            rest = glued if takes_word(name) else f"-{glued}"
            word = Token(rest, token.column + 2, token.end, token.quoted)
            self.words.insert(token if name in _WHOLE_WORD else word)
        self._option(name, token._replace(text=name))

    def _option(self, name: str, token: Token) -> None:
        if self.words.ended and needs_word(name, self.line):
            self.words.value(token)
        if name in OPERATIONS:
            self._operation(name, token)
        elif name in JUMPS:
            self.parts.jump(name, token)
        elif name in LOAD_MATCH:
            if self.line.bang:
                cause = "unexpected ! flag before --match"
                raise self._error(self.line.bang, cause, "Write ! before an option of the match.")
            self.parts.load_match(self.words.value(token))
        elif name in SWITCHES:
            self._switch(name, token)
        elif not self.parts.option(name, token):
            raise unknown(token, self.line)

    # --- operations and switches ---

    def _operation(self, name: str, token: Token) -> None:
        if self.line.bang:
            raise self._error(self.line.bang, "unexpected '!' flag", "Leave the ! out.")
        if name == "-Z" and self.line.operation in ("-L", "-S"):
            self.line.switches.append((name, ()))
        elif self.line.operation == "-Z" and name in ("-L", "-S"):
            self.line.switches.append((self.line.operation, ()))
            self.line.operation = name
        elif earlier := self.line.operation:
            raise self._error(
                token,
                f"Cannot use {name} with {earlier}",
                f"One line does one thing: use one line for {earlier} and one for {name}.",
            )
        else:
            self.line.operation = name
        for wanted in OPERATIONS[name][1].split():
            what = wanted.strip("[]")
            if wanted != what and not self.words.argument_follows():
                continue
            self.line.arguments[what] = (
                self.words.value(token) if what == "chain" else self._argument(what, token)
            )
        if name == "-N":
            check_new_name(self.line.arguments["chain"], self.place)

    def _argument(self, what: str, token: Token) -> Token:
        if not self.words.argument_follows():
            raise self._error(token, _MISSING[what].format(token.text), _MISSING_CURE[what])
        return self.words.take()

    def _switch(self, name: str, token: Token) -> None:
        self.line.refuse_bang(name)
        if name in FINAL or name == ("-6" if self.line.family is Family.IPV4 else "-4"):
            self.line.operation, self.line.arguments = name, {}
            self.words.skip()
            return
        if name in ONCE and any(name == earlier for earlier, _ in self.line.switches):
            cause = f"multiple -{ONCE[name]} flags not allowed"
            raise self._error(token, cause, "Once is enough.")
        words = [self.words.value(token) for _ in range(SWITCHES[name][1])]
        if name == "-c":
            words = self._counter_words(token, words[0])
            self.line.counters = self._read_counters(words)
            words = [
                w._replace(text=str(n)) for w, n in zip(words, self.line.counters, strict=True)
            ]
        elif name == "-w" and self.words.argument_follows():
            words = [self.words.take()]
            if not words[0].text.isdecimal():
                raise self._error(words[0], "wait seconds not numeric", "Write -w SECONDS.")
        self.line.switches.append((name, tuple(word.text for word in words)))

    def _counter_words(self, token: Token, word: Token) -> list[Token]:
        """The two numbers behind ``-c``: two words, or one with a comma."""
        packets, comma, octets = word.text.partition(",")
        if comma:
            return [word._replace(text=packets), word._replace(text=octets)]
        if not self.words.argument_follows():
            cause = "-c requires packet and byte counter"
            raise self._error(token, cause, "Write -c PACKETS BYTES.")
        return [word, self.words.take()]

    def _read_counters(self, words: list[Token]) -> Counters:
        counts = []
        for word, kind in zip(words, ("packet", "byte"), strict=True):
            count = leading_count(word.text)
            if count is None:
                raise self._error(word, f"-c {kind} counter not numeric", "Write -c PACKETS BYTES.")
            counts.append(count)
        return Counters(*counts)

    def _error(self, token: Token, cause: str, cure: str) -> RuleSyntaxError:
        return self.place.error(token, cause, cure)


# options whose word cannot be glued to them: iptables 1.8.9 then takes the whole for the value
_WHOLE_WORD = {"-s", "-d", "-p", "-i", "-o", "-j"}
_MISSING = {
    "number": "-R requires a rule number",
    "new": "-E requires old-chain-name and new-chain-name",
    "policy": "-P requires a chain and a policy",
}
_MISSING_CURE = {
    "number": "Write the number of the rule to replace after the chain.",
    "new": "Write the old name and the new one.",
    "policy": "Write ACCEPT or DROP after the chain.",
}


def leading_count(text: str) -> int | None:
    """The 64-bit number that a text begins with, as sscanf reads it, or None.

    >>> leading_count("12x"), leading_count("-1") == 2**64 - 1, leading_count("x")
    (12, True, None)
    """
    found = _COUNT(text)
    if found is None:
        return None
    count = min(int(found[2][:30]), _LARGEST)
    return (_LARGEST + 1 - count) & _LARGEST if found[1] == "-" else count


_COUNT = re.compile(r"\s*([+-]?)([0-9]+)").match
_LARGEST = 2**64 - 1
