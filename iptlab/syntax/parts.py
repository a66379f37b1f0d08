"""The parts of a rule: options of the header, -m, -j, and the options behind these."""

from __future__ import annotations

from collections.abc import Container

import iptlab.targets  # noqa: F401  (announces the targets' names)
from iptlab.errors import RuleSyntaxError
from iptlab.netfilter.extension import MATCHES, TARGETS
from iptlab.netfilter.header import Header
from iptlab.netfilter.rules import Jump
from iptlab.netfilter.values import Given, ProtocolNumber
from iptlab.packet import Family
from iptlab.syntax.cursor import Cursor
from iptlab.syntax.draft import Draft, LineDraft, named
from iptlab.syntax.grammar import EXTENSION_HEADERS, LateSyntaxError
from iptlab.syntax.option_names import did_you_mean
from iptlab.syntax.option_words import OptionReader
from iptlab.syntax.tokens import Token


class Parts:
    """Reads the parts of a rule into the draft of its line; ``chains`` is what -j may name."""

    def __init__(self, line: LineDraft, words: Cursor, chains: Container[str]) -> None:
        self.line = line
        self.words = words
        self.options = OptionReader(line, words)
        self.chains = chains

    def option(self, name: str, token: Token) -> bool:
        """Read an option of the header or an extension; the answer is whether it is one."""
        return self._header_option(name, token) or self._extension_option(name, token)

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
            self.line.addresses[field_name] = self.words.late_value(token), self.line.take_bang()
        else:
            self.options.read(self.line.header, found, token)
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

    def load_match(self, token: Token) -> None:
        """Begin the match of that name."""
        kind = MATCHES.get(token.text)
        if kind and (not kind.families or self.line.family in kind.families):
            for earlier in self.line.matches:
                if earlier.kind is kind:
                    earlier.closed = True
            self.line.matches.append(Draft(kind, token))
        else:
            raise self._error(
                token,
                f"Couldn't load match `{token.text}':No such file or directory",
                did_you_mean(token.text, MATCHES, "match"),
                f"Couldn't load match `{token.text}':No such file or directory\n",
            )

    def jump(self, name: str, token: Token) -> None:
        """Read what -j or -g names: a target, or a chain of the table."""
        word = self.words.late_value(token)
        if self.line.target:
            raise self._error(
                token,
                "multiple -j flags not allowed",
                "A rule has one target; use a second rule.",
            )
        self.line.refuse_bang(name)
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

    def _extension_option(self, name: str, token: Token) -> bool:
        for draft in reversed(self.line.drafts()):
            if not draft.closed and (found := named(draft.kind, name)):
                self.options.read(draft, found, token._replace(text=name))
                return True
        if (implicit := self.line.implicit_match()) and (found := named(implicit, name)):
            draft = Draft(implicit, token)
            self.line.matches.append(draft)
            self.options.read(draft, found, token._replace(text=name))
            return True
        return False

    # --- refusals ---

    def _error(self, token: Token, cause: str, cure: str, tool: str = "") -> RuleSyntaxError:
        return self.line.place.error(token, cause, cure, tool)

    def _late(self, token: Token, cause: str, cure: str, tool: str = "") -> LateSyntaxError:
        """A refusal that waits until the rest of the line has been read."""
        return LateSyntaxError(**vars(self._error(token, cause, cure, tool)))


_NO_PROTOCOL = Given(ProtocolNumber(0), True)
