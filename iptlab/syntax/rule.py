"""One line of iptables' language, read word by word as the tool itself does.

Both ``iptables`` command lines and the ``-A`` lines of a dump are read here.

Source: iptables/xshared.c (do_parse, command_default), man page iptables(8)
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import partial

import iptlab.targets  # noqa: F401  (announces the targets' names)
from iptlab.errors import BadValueError, RuleSyntaxError
from iptlab.matches.unmodelled import OPTIONS as UNMODELLED_MATCHES
from iptlab.netfilter.extension import MATCHES, TARGETS, Extension, Option
from iptlab.netfilter.header import Header
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Counters, Jump
from iptlab.netfilter.values import Given, ProtocolNumber
from iptlab.packet import Family
from iptlab.syntax.cursor import Cursor
from iptlab.syntax.draft import Draft, LineDraft, Raw, named, read_at
from iptlab.syntax.finish import finished
from iptlab.syntax.grammar import (
    EXTENSION_HEADERS,
    FINAL,
    JUMPS,
    LOAD_MATCH,
    ONCE,
    OPERATIONS,
    SWITCHES,
    Command,
    LateSyntaxError,
    Place,
)
from iptlab.syntax.option_names import (
    cure_of_stray,
    did_you_mean,
    full_name,
    needs_word,
    stands_alone,
    takes_word,
    unknown,
)
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
        self.chains = chains

    # --- the loop ---

    def read(self) -> Command:
        while (token := self.words.next()) is not None:
            try:
                self._word(token)
            except RuleSyntaxError as error:
                if error.word == "!" and self.line.bang is None and token.text != "!":
                    error.cure = "The ! stands before the option: ! -s 10.0.0.1."
                elif (
                    error.word == token.text
                    and len(token.text) > 2
                    and token.text[:2] in _WHOLE_WORD
                ):
                    error.cure = f"This release needs a blank here: {token.text[:2]} VALUE."
                raise
        return finished(self.line)

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
            cure = cure_of_stray(token.text, self.words.tokens[: self.words.at - 1])
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
            self._jump(name, token)
        elif name in LOAD_MATCH:
            if self.line.bang:
                cause = "unexpected ! flag before --match"
                raise self._error(self.line.bang, cause, "Write ! before an option of the match.")
            self._load_match(self.words.value(token))
        elif name in SWITCHES:
            self._switch(name, token)
        elif not (self._header_option(name, token) or self._extension_option(name, token)):
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
        self._refuse_bang(name)
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

    # --- the rule's parts ---

    def _header_option(self, name: str, token: Token) -> bool:
        found = named(Header, name)
        if not found:
            return False
        field_name, declared = found
        if field_name == "fragment" and self.line.family is Family.IPV6:
            cause = "`-f' is not supported in IPv6, use -m frag instead"
            raise self._error(token, cause, "Write -m frag --fragmore or another of its options.")
        if field_name in self.line.header.values or field_name in self.line.addresses:
            raise self._error(
                token,
                f"multiple {declared.name} flags not allowed",
                f"A rule has room for one {declared.name}; use a second rule.",
            )
        if field_name in ("src", "dst"):
            self.line.addresses[field_name] = self.words.late_value(token), self._take_bang()
        else:
            self._store(self.line.header, field_name, declared, token)
            self._warn_of_extension_header(field_name)
        if self.line.header.values.get("protocol") == _NO_PROTOCOL:
            cause = "rule would never match protocol"
            raise self._error(token, cause, "Every packet has a protocol: leave ! -p all out.")
        return True

    def _warn_of_extension_header(self, field_name: str) -> None:
        """Warn of ``-p`` with a protocol that IPv6 has as an extension header only.

        Source: iptables/xshared.c (ipv6_proto_parse)
        """
        if field_name != "protocol" or self.line.family is not Family.IPV6:
            return
        if self.line.protocol() in EXTENSION_HEADERS:
            word = self.words.tokens[self.words.at - 1].text.lower()
            self.line.warnings.append(
                f"Warning: never matched protocol: {word}. use extension match instead."
            )

    def _load_match(self, token: Token) -> None:
        kind = MATCHES.get(token.text)
        if kind and (not kind.families or self.line.family in kind.families):
            for earlier in self.line.matches:
                if isinstance(earlier, Draft) and earlier.kind is kind:
                    earlier.closed = True
            self.line.matches.append(Draft(kind, token))
        elif token.text in UNMODELLED_MATCHES:
            raw = Raw(token)
            self.line.matches.append(raw)
            self._swallow(raw)
        else:
            raise self._error(
                token,
                f"Couldn't load match `{token.text}':No such file or directory",
                did_you_mean(token.text, (*MATCHES, *UNMODELLED_MATCHES), "match"),
                f"Couldn't load match `{token.text}':No such file or directory\n",
            )

    def _jump(self, name: str, token: Token) -> None:
        word = self.words.late_value(token)
        if self.line.target:
            raise self._error(
                token,
                "multiple -j flags not allowed",
                "A rule has one target; use a second rule.",
            )
        self._refuse_bang(name)
        self._check_target_name(word)
        if name == "-g":
            if word.text not in self.chains:
                self.line.late = self._late(
                    word,
                    f"goto '{word.text}' is not a chain",
                    f"Make the chain first: -N {word.text} (in a dump `:{word.text} - [0:0]').",
                )
            self.line.target = Jump(word.text, goto=True)
        elif word.text in self.chains:
            self.line.target = Jump(word.text)
        else:
            self._load_target(word)

    def _check_target_name(self, word: Token) -> None:
        """Source: iptables/xshared.c (parse_target)."""
        if not word.text:
            cause = "Invalid target name (too short)"
        elif len(word.text.encode()) > 28:
            cause = f"Invalid target name `{word.text}' (28 chars max)"
        elif any(letter.isspace() for letter in word.text):
            cause = f"Invalid target name `{word.text}'"
        else:
            return
        raise self._error(word, cause, "A target's name is one word of 1 to 28 characters.")

    def _load_target(self, word: Token) -> None:
        kind = TARGETS.get(word.text)
        if kind and (not kind.families or self.line.family in kind.families):
            self.line.target = Draft(kind, word)
        else:
            self.line.target = Jump(word.text)
            self.line.late = self._late(
                word,
                f"Couldn't load target `{word.text}':No such file or directory",
                f"{word.text} is neither a target nor a chain of this table. To make it a chain: "
                f"-N {word.text} (in a dump `:{word.text} - [0:0]'). "
                + did_you_mean(word.text, TARGETS, "target"),
                f"Couldn't load target `{word.text}':No such file or directory\n",
            )

    def _swallow(self, raw: Raw) -> None:
        """Collect the words of an extension that is not modelled, up to the next part."""
        while not self.words.ended:
            word, *after = self.words.ahead()
            ended = word.text in _ENDS_MATCH or (
                word.text == "!" and after and after[0].text in _ENDS_MATCH
            )
            if ended and not word.quoted:
                break
            if word.text.startswith("--") and word.text not in UNMODELLED_MATCHES[raw.token.text]:
                self.words.take()
                raise unknown(word, self.line)
            raw.words.append(self.words.take())

    def _extension_option(self, name: str, token: Token) -> bool:
        for draft in reversed(self.line.drafts()):
            if not draft.closed and (found := named(draft.kind, name)):
                self._store(draft, *found, token._replace(text=name))
                return True
        if (implicit := self.line.implicit_match()) and (found := named(implicit, name)):
            draft = Draft(implicit, token)
            self.line.matches.append(draft)
            self._store(draft, *found, token._replace(text=name))
            return True
        return False

    def _store(self, draft: Draft, field_name: str, declared: Option, token: Token) -> None:
        """Read an option's words into its draft."""
        apart = token.text in declared.spellings or token.text in declared.warns
        name = token.text if apart else declared.name
        if declared.twice:
            self.line.warnings += filter(None, (declared.warns.get(name),))
        spelled = draft.spelled.setdefault(field_name, [])
        again = declared.twice or not {name, *spelled} & set(declared.spellings)
        if spelled and (again or name in spelled) and (declared.twice or not declared.lax):
            raise self._error(
                token,
                declared.twice
                or f'{draft.kind.name}: option "{declared.formal or name}" can only be used once.',
                f"Use a second -m {draft.kind.name} or a second rule.",
            )
        given_names = list(draft.spelled.values())
        spelled.append(name)
        negated = self._take_bang() and not declared.lax
        if negated and not declared.negatable:
            raise self._error(
                token,
                f'{draft.kind.name}: option "{name}" cannot be inverted.',
                f"{name} knows no !; leave it out.",
            )
        if declared.after and all(declared.after[0] not in names for names in given_names):
            first, cause = declared.after
            raise self._error(token, cause, f"Write {first} before {name}.")
        reader = declared.reader(name)
        words = [self.words.value(token) for _ in range(min(reader.arity, 1))]
        for _ in range(reader.arity - len(words)):
            if not self.words.argument_follows():
                cure = f"Write {reader.arity} words after {token.text}."
                raise self._error(token, f"{token.text} {declared.value.too_few}", cure)
            words.append(self.words.value(token))
        text = " ".join(word.text for word in words)
        word = words[0] if words else token
        self._check_word(draft, text, word)
        of = (draft.kind.name, declared.formal or name)
        value = read_at(self.place, word, partial(reader.read, text, self.line.family), of)
        told = "" if declared.twice else declared.warns.get(name, "")
        self.line.warnings += filter(None, (value.warning(), told))
        draft.values.pop(field_name, None)
        draft.values[field_name] = Given(value, negated)
        if name == draft.kind.parted_by:
            draft.turn()
            read_at(self.place, token, partial(draft.kind.check_elements, len(draft.elements)))

    def _check_word(self, draft: Draft, text: str, word: Token) -> None:
        """Refuse a word that does not go with the protocol named so far."""
        if draft.kind.check_word is Extension.check_word:
            return
        given = self.line.header.values.get("protocol")
        negated = given is not None and given.negated
        try:
            draft.kind.check_word(text, self.line.named_protocol(), negated=negated)
        except BadValueError as bad:
            blamed = any(f"`{part}'" in bad.cause for part in re.split("[:,]", text))
            token = word if blamed else draft.token
            raise self._error(token, bad.cause, bad.cure) from None

    # --- words and refusals ---

    def _take_bang(self) -> bool:
        taken, self.line.bang = self.line.bang is not None, None
        return taken

    def _refuse_bang(self, name: str) -> None:
        if self.line.bang:
            raise self._error(self.line.bang, f"cannot have ! before {name}", "Leave the ! out.")

    def _error(
        self, token: Token | None, cause: str, cure: str = "", tool: str = ""
    ) -> RuleSyntaxError:
        return self.place.error(token, cause, cure, tool)

    def _late(self, token: Token | None, cause: str, cure: str, tool: str = "") -> LateSyntaxError:
        """A refusal that waits until the rest of the line has been read."""
        return LateSyntaxError(**vars(self._error(token, cause, cure, tool)))


_NO_PROTOCOL = Given(ProtocolNumber(0), True)
# options whose word cannot be glued to them: iptables 1.8.9 then takes the whole for the value
_WHOLE_WORD = {"-s", "-d", "-p", "-i", "-o", "-j"}
_ENDS_MATCH = frozenset(
    {"-m", "--match", "-j", "--jump", "-g", "--goto"}
    | {name for _, declared in Header.options() for name in declared.names}
)
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
