"""One line of iptables' language, read word by word as the tool itself does.

Both ``iptables`` command lines and the ``-A`` lines of a dump are read here.

Source: iptables/xshared.c (do_parse, command_default), man page iptables(8)
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from difflib import get_close_matches
from functools import partial
from itertools import product
from typing import cast

import iptlab.targets  # noqa: F401  (announces the targets' names)
from iptlab.errors import BadValueError, RuleSyntaxError
from iptlab.matches.unmodelled import OPTIONS as UNMODELLED_MATCHES
from iptlab.matches.unmodelled import UnmodelledMatch
from iptlab.names import protocol_names
from iptlab.netfilter.extension import MATCHES, TARGETS, Extension, Match, Option, Target
from iptlab.netfilter.header import Header
from iptlab.netfilter.hooks import Hook, TableName
from iptlab.netfilter.rules import ZERO, Counters, Jump, Rule
from iptlab.netfilter.values import Given, Network, ProtocolNumber, read_integer
from iptlab.packet import Family
from iptlab.syntax.draft import Draft, Raw, asks_nothing, named, read_at
from iptlab.syntax.grammar import (
    EXTENSION_HEADERS,
    FINAL,
    ILLEGAL,
    JUMPS,
    LOAD_MATCH,
    ONCE,
    OPERATIONS,
    SWITCHES,
    WITH_RULE,
    Command,
    LateSyntaxError,
    Place,
)
from iptlab.syntax.refusal import check_length, check_new_name, nat_drop
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
    reader = _Reader(tokens, place, family, chains, table)
    try:
        return reader.read()
    except RuleSyntaxError as error:
        error.warnings = (*reader.warnings, *error.warnings)
        raise


class _Reader:
    """Walks over the words once, as getopt does."""

    def __init__(
        self,
        tokens: list[Token],
        place: Place,
        family: Family,
        chains: Container[str],
        table: TableName,
    ) -> None:
        self.tokens = tokens
        self.place = place
        self.family = family
        self.chains = chains
        self.table = table
        self.at = 0
        self.bang: Token | None = None
        self.operation = ""
        self.arguments: dict[str, Token] = {}
        self.switches: list[tuple[str, tuple[str, ...]]] = []
        self.counters = ZERO
        self.header = Draft(Header, Token("", 1, 1))
        self.addresses: dict[str, tuple[Token, bool]] = {}
        self.matches: list[Draft | Raw] = []
        self.target: Draft | Jump | None = None
        self.late: LateSyntaxError | None = None
        self.warnings: list[str] = []

    # --- the loop ---

    def read(self) -> Command:
        while (token := self._next()) is not None:
            try:
                self._word(token)
            except RuleSyntaxError as error:
                if error.word == "!" and self.bang is None and token.text != "!":
                    error.cure = "The ! stands before the option: ! -s 10.0.0.1."
                elif (
                    error.word == token.text
                    and len(token.text) > 2
                    and token.text[:2] in _WHOLE_WORD
                ):
                    error.cure = f"This release needs a blank here: {token.text[:2]} VALUE."
                raise
        return self._command()

    def _word(self, token: Token) -> None:
        if token.text == "!":
            if self.bang:
                raise self._error(token, "multiple consecutive ! not allowed", "Write one !.")
            self.bang = token
        elif token.text == "--":
            if self.at < len(self.tokens):
                cause = "unknown arguments found on commandline"
                raise self._error(token, cause, "Leave the -- out.")
        elif token.text.startswith("--") and len(token.text) > 2:
            self._long(token)
        elif token.text.startswith("-") and len(token.text) > 1:
            self._short(token)
        else:
            raise self._error(token, f"Bad argument `{token.text}'", self._cure_of_stray(token))

    def _cure_of_stray(self, token: Token) -> str:
        """What to type where a word stands that belongs to no option."""
        option, value = ("", "", *(word.text for word in self.tokens[: self.at - 1]))[-2:]
        for word in (option, value):
            if _ONE_DASH(word) and any(
                named(kind, f"-{word}") for kind in (*MATCHES.values(), *TARGETS.values())
            ):
                return f"Long options begin with two dashes: -{word}."
        if option in _SENTENCES:
            return (
                f'Several words are one if they stand in quotes: {option} "{value} {token.text}".'
            )
        return "Options begin with - or --; is one missing here?"

    def _long(self, token: Token) -> None:
        name, equals, value = token.text.partition("=")
        full = self._full_name(name)
        if equals and (self._arity(full) == 0 or SWITCHES.get(full, ("", 1))[1] == 0):
            raise self._unknown(token._replace(text=name))
        if equals:
            word = Token(value, token.column + len(name) + 1, token.end, True)
            self.tokens.insert(self.at, token if full in _WHOLE_WORD else word)
        self._option(full, token._replace(text=name))

    def _short(self, token: Token) -> None:
        name, glued = token.text[:2], token.text[2:]
        if glued:
            rest = glued if self._takes_word(name) else f"-{glued}"
            word = Token(rest, token.column + 2, token.end, token.quoted)
            self.tokens.insert(self.at, token if name in _WHOLE_WORD else word)
        self._option(name, token._replace(text=name))

    def _option(self, name: str, token: Token) -> None:
        if self.at == len(self.tokens) and self._needs_word(name):
            self._value(token)
        if name in OPERATIONS:
            self._operation(name, token)
        elif name in JUMPS:
            self._jump(name, token)
        elif name in LOAD_MATCH:
            if self.bang:
                cause = "unexpected ! flag before --match"
                raise self._error(self.bang, cause, "Write ! before an option of the match.")
            self._load_match(self._value(token))
        elif name in SWITCHES:
            self._switch(name, token)
        elif not (self._header_option(name, token) or self._extension_option(name, token)):
            raise self._unknown(token)

    # --- operations and switches ---

    def _operation(self, name: str, token: Token) -> None:
        if self.bang:
            raise self._error(self.bang, "unexpected '!' flag", "Leave the ! out.")
        if name == "-Z" and self.operation in ("-L", "-S"):
            self.switches.append((name, ()))
        elif self.operation == "-Z" and name in ("-L", "-S"):
            self.switches.append((self.operation, ()))
            self.operation = name
        elif self.operation:
            raise self._error(
                token,
                f"Cannot use {name} with {self.operation}",
                f"One line does one thing: use one line for {self.operation} and one for {name}.",
            )
        else:
            self.operation = name
        for wanted in OPERATIONS[name][1].split():
            what = wanted.strip("[]")
            if wanted != what and not self._word_follows():
                continue
            self.arguments[what] = (
                self._value(token) if what == "chain" else self._argument(what, token)
            )
        if name == "-N":
            check_new_name(self.arguments["chain"], self.place)

    def _argument(self, what: str, token: Token) -> Token:
        if not self._word_follows():
            raise self._error(token, _MISSING[what].format(token.text), _MISSING_CURE[what])
        return self.tokens[self._advance()]

    def _switch(self, name: str, token: Token) -> None:
        self._refuse_bang(name)
        if name in FINAL or name == ("-6" if self.family is Family.IPV4 else "-4"):
            self.operation, self.arguments, self.at = name, {}, len(self.tokens)
            return
        if name in ONCE and any(name == earlier for earlier, _ in self.switches):
            cause = f"multiple -{ONCE[name]} flags not allowed"
            raise self._error(token, cause, "Once is enough.")
        words = [self._value(token) for _ in range(SWITCHES[name][1])]
        if name == "-c":
            words = self._counter_words(token, words[0])
            self.counters = self._read_counters(words)
            words = [w._replace(text=str(n)) for w, n in zip(words, self.counters, strict=True)]
        elif name == "-w" and self._word_follows():
            words = [self.tokens[self._advance()]]
            if not words[0].text.isdecimal():
                raise self._error(words[0], "wait seconds not numeric", "Write -w SECONDS.")
        self.switches.append((name, tuple(word.text for word in words)))

    def _counter_words(self, token: Token, word: Token) -> list[Token]:
        """The two numbers behind ``-c``: two words, or one with a comma."""
        packets, comma, octets = word.text.partition(",")
        if comma:
            return [word._replace(text=packets), word._replace(text=octets)]
        if not self._word_follows():
            cause = "-c requires packet and byte counter"
            raise self._error(token, cause, "Write -c PACKETS BYTES.")
        return [word, self.tokens[self._advance()]]

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
        if field_name == "fragment" and self.family is Family.IPV6:
            cause = "`-f' is not supported in IPv6, use -m frag instead"
            raise self._error(token, cause, "Write -m frag --fragmore or another of its options.")
        if field_name in self.header.values or field_name in self.addresses:
            raise self._error(
                token,
                f"multiple {declared.name} flags not allowed",
                f"A rule has room for one {declared.name}; use a second rule.",
            )
        if field_name in ("src", "dst"):
            self.addresses[field_name] = self._address_word(token), self._take_bang()
        else:
            self._store(self.header, field_name, declared, token)
            self._warn_of_extension_header(field_name)
        if self.header.values.get("protocol") == _NO_PROTOCOL:
            cause = "rule would never match protocol"
            raise self._error(token, cause, "Every packet has a protocol: leave ! -p all out.")
        return True

    def _warn_of_extension_header(self, field_name: str) -> None:
        """Warn of ``-p`` with a protocol that IPv6 has as an extension header only.

        Source: iptables/xshared.c (ipv6_proto_parse)
        """
        if field_name != "protocol" or self.family is not Family.IPV6:
            return
        if self._protocol() in EXTENSION_HEADERS:
            word = self.tokens[self.at - 1].text.lower()
            self.warnings.append(
                f"Warning: never matched protocol: {word}. use extension match instead."
            )

    def _networks(self, field_name: str) -> list[Given[Network]]:
        """The addresses behind ``-s`` or ``-d``, which are read when the line has ended."""
        if field_name not in self.addresses:
            return []
        word, negated = self.addresses[field_name]
        parts = word.text.split(",")
        read = (partial(Network.parse, part.lstrip(), self.family) for part in parts)
        tokens = (word._replace(text=part) for part in parts)
        return [
            Given(read_at(self.place, token, one), negated)
            for token, one in zip(tokens, read, strict=True)
        ]

    def _check_negated_networks(self, *ends: list[Given[Network]]) -> None:
        """Refuse ``!`` before several addresses: two such rules would let each other's pass."""
        negated = [self.addresses[name][0] for name in self.addresses if self.addresses[name][1]]
        if negated and any(len(networks) > 1 for networks in ends):
            raise self._error(
                negated[0],
                "! not allowed with multiple source or destination IP addresses",
                "Write one rule for each address, or an ipset.",
            )

    def _load_match(self, token: Token) -> None:
        kind = MATCHES.get(token.text)
        if kind and (not kind.families or self.family in kind.families):
            for earlier in self.matches:
                if isinstance(earlier, Draft) and earlier.kind is kind:
                    earlier.closed = True
            self.matches.append(Draft(kind, token))
        elif token.text in UNMODELLED_MATCHES:
            raw = Raw(token)
            self.matches.append(raw)
            self._swallow(raw)
        else:
            raise self._error(
                token,
                f"Couldn't load match `{token.text}':No such file or directory",
                _did_you_mean(token.text, (*MATCHES, *UNMODELLED_MATCHES), "match"),
                f"Couldn't load match `{token.text}':No such file or directory\n",
            )

    def _jump(self, name: str, token: Token) -> None:
        word = self._address_word(token)
        if self.target:
            raise self._error(
                token,
                "multiple -j flags not allowed",
                "A rule has one target; use a second rule.",
            )
        self._refuse_bang(name)
        self._check_target_name(word)
        if name == "-g":
            if word.text not in self.chains:
                self.late = self._late(
                    word,
                    f"goto '{word.text}' is not a chain",
                    f"Make the chain first: -N {word.text} (in a dump `:{word.text} - [0:0]').",
                )
            self.target = Jump(word.text, goto=True)
        elif word.text in self.chains:
            self.target = Jump(word.text)
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
        if kind and (not kind.families or self.family in kind.families):
            self.target = Draft(kind, word)
        else:
            self.target = Jump(word.text)
            self.late = self._late(
                word,
                f"Couldn't load target `{word.text}':No such file or directory",
                f"{word.text} is neither a target nor a chain of this table. To make it a chain: "
                f"-N {word.text} (in a dump `:{word.text} - [0:0]'). "
                + _did_you_mean(word.text, TARGETS, "target"),
                f"Couldn't load target `{word.text}':No such file or directory\n",
            )

    def _swallow(self, raw: Raw) -> None:
        """Collect the words of an extension that is not modelled, up to the next part."""
        while self.at < len(self.tokens):
            word, after = self.tokens[self.at], self.tokens[self.at + 1 : self.at + 2]
            ended = word.text in _ENDS_MATCH or (
                word.text == "!" and after and after[0].text in _ENDS_MATCH
            )
            if ended and not word.quoted:
                break
            if word.text.startswith("--") and word.text not in UNMODELLED_MATCHES[raw.token.text]:
                self._advance()
                raise self._unknown(word)
            raw.words.append(self.tokens[self._advance()])

    def _extension_option(self, name: str, token: Token) -> bool:
        drafts = [draft for draft in (*self.matches, self.target) if isinstance(draft, Draft)]
        for draft in reversed(drafts):
            if not draft.closed and (found := named(draft.kind, name)):
                self._store(draft, *found, token._replace(text=name))
                return True
        if (implicit := self._implicit_match()) and (found := named(implicit, name)):
            draft = Draft(implicit, token)
            self.matches.append(draft)
            self._store(draft, *found, token._replace(text=name))
            return True
        return False

    def _implicit_match(self) -> type[Match] | None:
        """The match that ``-p`` loads by itself, unless it is there already."""
        number = self._named_protocol()
        kind = MATCHES.get(_PROTOCOL_MATCH.get(number) or protocol_names().get(number, ""))
        there = {draft.kind for draft in self.matches if isinstance(draft, Draft)}
        foreign = kind and kind.families and self.family not in kind.families
        return None if foreign or kind in there else kind

    def _store(self, draft: Draft, field_name: str, declared: Option, token: Token) -> None:
        """Read an option's words into its draft."""
        apart = token.text in declared.spellings or token.text in declared.warns
        name = token.text if apart else declared.name
        if declared.twice:
            self.warnings += filter(None, (declared.warns.get(name),))
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
        words = [self._value(token) for _ in range(min(reader.arity, 1))]
        for _ in range(reader.arity - len(words)):
            if not self._word_follows():
                cure = f"Write {reader.arity} words after {token.text}."
                raise self._error(token, f"{token.text} {declared.value.too_few}", cure)
            words.append(self._value(token))
        text = " ".join(word.text for word in words)
        word = words[0] if words else token
        self._check_word(draft, text, word)
        of = (draft.kind.name, declared.formal or name)
        value = read_at(self.place, word, partial(reader.read, text, self.family), of)
        told = "" if declared.twice else declared.warns.get(name, "")
        self.warnings += filter(None, (value.warning(), told))
        draft.values.pop(field_name, None)
        draft.values[field_name] = Given(value, negated)
        if name == draft.kind.parted_by:
            draft.turn()
            read_at(self.place, token, partial(draft.kind.check_elements, len(draft.elements)))

    def _check_word(self, draft: Draft, text: str, word: Token) -> None:
        """Refuse a word that does not go with the protocol named so far."""
        if draft.kind.check_word is Extension.check_word:
            return
        given = self.header.values.get("protocol")
        negated = given is not None and given.negated
        check = partial(draft.kind.check_word, text, self._named_protocol(), negated=negated)
        try:
            check()
        except BadValueError as bad:
            named_ = any(f"`{part}'" in bad.cause for part in re.split("[:,]", text))
            token = word if named_ else draft.token
            raise self._error(token, bad.cause, bad.cure) from None

    # --- from drafts to values ---

    def _command(self) -> Command:
        """The whole line, with its mistakes in the order in which the tool finds them."""
        tests = tuple(self._match(draft) for draft in self.matches)
        target = self._target()
        self._check_drop(target)
        if self.bang:
            cause = "nothing appropriate following !"
            raise self._error(self.bang, cause, "Write ! directly before an option.")
        number = self._rule_number()
        sources, destinations = self._networks("src"), self._networks("dst")
        self._check_negated_networks(sources, destinations)
        self._check_legal(number)
        if self.operation == "-R" and max(len(sources), len(destinations)) > 1:
            cause = "Replacement rule does not specify a unique address"
            cure = "-R puts one rule in another's place: name one -s and one -d address."
            raise self._error(None, cause, cure)
        if chain := self.arguments.get("chain"):
            check_length(chain, self.place)
        last = self.arguments.get("new") or self.arguments.get("policy")
        rules: tuple[Rule, ...] = ()
        if self.operation in WITH_RULE and not (self.operation == "-D" and number):
            self._check_interfaces(chain)
            if self.late:
                raise self.late
            rules = tuple(
                Rule(header, tests, target, self.counters)
                for header in self._headers(sources, destinations)
            )
        return Command(
            self.operation,
            chain.text if chain else "",
            number,
            last.text if last else "",
            rules,
            tuple(self.switches),
            tuple(self.warnings),
        )

    def _check_drop(self, target: Target | None) -> None:
        policy = self.arguments.get("policy")
        drops = (target and target.name == "DROP") or (policy and policy.text == "DROP")
        if drops and self.table is TableName.NAT:
            raise nat_drop(self.place)

    def _check_legal(self, number: int | None) -> None:
        """Options that make no sense with the operation.

        Source: iptables/xshared.c (commands_v_options)
        """
        letters = dict.fromkeys(ONCE.get(name, "") for name, _ in self.switches)
        letters |= dict.fromkeys(field_name[0] for field_name in self.addresses)
        letters |= dict.fromkeys(named_[1:] for named_ in self._header_names())
        letters |= dict.fromkeys("j" * bool(self.target))
        key = self.operation[1:] + " number" * (self.operation == "-D" and number is not None)
        for letter in letters:
            if letter and letter in ILLEGAL.get(key, ""):
                raise self._error(
                    None,
                    f"Illegal option `-{letter}' with this command",
                    f"{self.operation} has no use for it: leave it out.",
                )

    def _header_names(self) -> Iterator[str]:
        """The options of the header that were given, by their short names."""
        options = dict(Header.options())
        return (options[field_name].name for field_name in self.header.values)

    def _rule_number(self) -> int | None:
        token = self.arguments.get("number")
        if token is None:
            return None
        number = read_integer(token.text)
        if not number or number > _MOST_RULES:
            raise self._error(
                token, f"Invalid rule number `{token.text}'", "Rules are numbered from 1."
            )
        return number

    def _check_interfaces(self, chain: Token | None) -> None:
        """What the tool itself knows about built-in chains and interfaces."""
        hook = Hook.named(chain.text) if chain else None
        if hook is None:
            return
        for name, field_name, allowed in (
            ("-i", "in_interface", hook.has_in_interface),
            ("-o", "out_interface", hook.has_out_interface),
        ):
            if field_name in self.header.values and not allowed:
                word = next((t for t in self.tokens if _is(t, name)), None)
                raise self._error(
                    word,
                    f"Can't use {name} with {hook}",
                    f"A packet in {hook} has no {_WAY[name]} interface.",
                    f"Can't use {name} with {hook}\n",
                )

    def _headers(
        self, sources: list[Given[Network]], destinations: list[Given[Network]]
    ) -> Iterator[Header]:
        """A header for every pair of addresses."""
        nothing: list[Given[Network] | None] = [None]
        asked = {k: v for k, v in self.header.values.items() if not asks_nothing(v)}
        for src, dst in product(sources or nothing, destinations or nothing):
            ends = {k: v for k, v in (("src", src), ("dst", dst)) if v and not asks_nothing(v)}
            yield Header(**ends, **asked)  # type: ignore[arg-type]

    def _match(self, draft: Draft | Raw) -> Match:
        if isinstance(draft, Raw):
            return UnmodelledMatch(draft.token.text, draft.text(self.place))
        return cast("Match", self._finished(draft))

    def _target(self) -> Target | None:
        if isinstance(self.target, Draft):
            return cast("Target", self._finished(self.target))
        return self.target

    def _finished(self, draft: Draft) -> Extension:
        build = partial(draft.finished, self._protocol(), self.family)
        return read_at(self.place, draft.token, build)

    def _protocol(self) -> int:
        """The protocol that ``-p`` names, 0 if none does or ``!`` excludes it."""
        given = self.header.values.get("protocol")
        return 0 if given is None or given.negated else self._named_protocol()

    def _named_protocol(self) -> int:
        """The protocol that ``-p`` or ``! -p`` names, 0 if none does."""
        given = self.header.values.get("protocol")
        return given.value.number if given and isinstance(given.value, ProtocolNumber) else 0

    # --- words ---

    def _next(self) -> Token | None:
        return self.tokens[self._advance()] if self.at < len(self.tokens) else None

    def _advance(self) -> int:
        self.at += 1
        return self.at - 1

    def _word_follows(self) -> bool:
        """Whether the next word is an argument rather than an option."""
        if self.at >= len(self.tokens):
            return False
        return not self.tokens[self.at].text.startswith(("-", "!"))

    def _value(self, token: Token) -> Token:
        """The word behind an option, whatever it looks like."""
        word = self._next()
        if word is None:
            raise self._error(
                token,
                f'option "{token.text}" requires an argument',
                f"Write what {token.text} is to be.",
            )
        return word

    def _address_word(self, token: Token) -> Token:
        """The word behind an option that is looked at only when the whole line is read."""
        word = self._value(token)
        if word.text == "!" and self._word_follows():
            following = self.tokens[self.at]
            cure = f"The ! stands before the option: ! {token.text} {following.text}."
            raise self._error(following, f"Bad argument `{following.text}'", cure)
        return word

    def _take_bang(self) -> bool:
        taken, self.bang = self.bang is not None, None
        return taken

    def _refuse_bang(self, name: str) -> None:
        if self.bang:
            raise self._error(self.bang, f"cannot have ! before {name}", "Leave the ! out.")

    def _takes_word(self, name: str) -> bool:
        found = named(Header, name)
        if found:
            return found[1].value.arity > 0
        return (
            name in OPERATIONS
            or name in JUMPS
            or name in LOAD_MATCH
            or SWITCHES.get(name, ("", 0))[1] > 0
        )

    def _needs_word(self, name: str) -> bool:
        """Whether getopt refuses the option at the end of a line."""
        if name in OPERATIONS:
            return OPERATIONS[name][1].startswith("chain")
        return self._takes_word(name) or self._arity(name) > 0

    def _arity(self, name: str) -> int:
        """How many words follow an extension's option; -1 if no extension has it."""
        drafts = [draft for draft in (*self.matches, self.target) if isinstance(draft, Draft)]
        kinds = [draft.kind for draft in reversed(drafts) if not draft.closed]
        for kind in filter(None, (*kinds, self._implicit_match())):
            if found := named(kind, name):
                return found[1].reader(name).arity
        return -1

    # --- names ---

    def _full_name(self, name: str) -> str:
        """The option that ``name`` is or, as getopt allows, uniquely begins."""
        implicit = self._implicit_match()
        for known in (list(self._known_names()), list(_long_names([implicit] if implicit else []))):
            for full, canonical in known:
                if full == name:
                    return canonical
            found = {canonical for full, canonical in known if full.startswith(name)}
            if found:
                return found.pop() if len(found) == 1 else name
        return name

    def _known_names(self) -> Iterator[tuple[str, str]]:
        """Every long name of what is loaded so far, with the name we know it by."""
        for name, longs in ((n, o[0]) for n, o in OPERATIONS.items()):
            yield from ((long, name) for long in longs)
        for name, (long, _) in SWITCHES.items():
            yield long, name
        for name, longs in (*JUMPS.items(), *LOAD_MATCH.items()):
            yield from ((long, name) for long in longs)
        kinds: list[type[Extension]] = [Header]
        drafts = (*self.matches, self.target)
        kinds += [draft.kind for draft in drafts if isinstance(draft, Draft)]
        yield from _long_names(kinds)

    # --- refusals ---

    def _error(
        self, token: Token | None, cause: str, cure: str = "", tool: str = ""
    ) -> RuleSyntaxError:
        return self.place.error(token, cause, cure, tool)

    def _late(self, token: Token | None, cause: str, cure: str, tool: str = "") -> LateSyntaxError:
        """A refusal that waits until the rest of the line has been read."""
        return LateSyntaxError(**vars(self._error(token, cause, cure, tool)))

    def _unknown(self, token: Token) -> RuleSyntaxError:
        owners = sorted(name for name, kind in MATCHES.items() if named(kind, token.text))
        users = sorted(name for name, kind in TARGETS.items() if named(kind, token.text))
        near = [name for name, _ in self._known_names()]
        if implicit := self._implicit_match():
            near += [name for _, declared in implicit.options() for name in declared.names]
        close = get_close_matches(token.text, near, n=1)
        if owners:
            implied = [name for name in ("tcp", "udp", "icmp", "sctp") if name in owners]
            load = f"-p {implied[0]}" if implied else f"-m {owners[0]}"
            listed = " or ".join(filter(None, (", ".join(owners[:-1]), owners[-1])))
            cure = f"{token.text} belongs to {listed}: write {load} before it."
        elif users:
            cure = f"{token.text} belongs to -j {users[0]}: write that before it."
        elif close:
            cure = f"Did you mean {close[0]}?"
        elif self._takes_word(token.text.lower()):
            cure = f"Did you mean {token.text.lower()}?"
        else:
            cure = "Check the spelling; options of an extension come after its -m or -j."
        whole = self.place.text[token.column - 1 : token.end - 1]
        shown = whole if whole.startswith(f"{token.text}=") else token.text
        return self._error(token, f'unknown option "{shown}"', cure)


_NO_PROTOCOL = Given(ProtocolNumber(0), True)
# options whose word cannot be glued to them: iptables 1.8.9 then takes the whole for the value
_WHOLE_WORD = {"-s", "-d", "-p", "-i", "-o", "-j"}
# options that often take a sentence
_SENTENCES = {"--comment", "--log-prefix", "--nflog-prefix", "--ulog-prefix", "--string"}
_ONE_DASH = re.compile(r"-[a-z]{2}[a-z-]*").fullmatch
_MOST_RULES = 0x7FFFFFFF
_WAY = {"-i": "incoming", "-o": "outgoing"}
_ENDS_MATCH = frozenset(
    {"-m", "--match", "-j", "--jump", "-g", "--goto"}
    | {name for _, declared in Header.options() for name in declared.names}
)
# protocols whose match is not called as /etc/protocols calls them
_PROTOCOL_MATCH = {58: "icmp6", 135: "mh"}
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


def _long_names(kinds: Iterable[type[Extension]]) -> Iterator[tuple[str, str]]:
    """The long names of extensions' options, with the name we know each by."""
    for kind in kinds:
        for _, declared in kind.options():
            for name in declared.names:
                apart = name in declared.spellings or name in declared.warns
                yield name, name if apart else declared.name


def _is(token: Token, short: str) -> bool:
    found = named(Header, short)
    return bool(found) and (token.text.startswith(short) or token.text in found[1].names)  # type: ignore[index]


def _did_you_mean(word: str, known: Iterable[str], noun: str) -> str:
    spelled = {name.lower(): name for name in known}
    close = [spelled[name] for name in get_close_matches(word.lower(), spelled, n=1)]
    return f"Did you mean the {noun} {close[0]}?" if close else f"There is no {noun} of that name."
