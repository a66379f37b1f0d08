"""An option of the header or of an extension: the words behind its name become a value."""

from __future__ import annotations

import re
from functools import partial

from iptlab.errors import BadValueError, RuleSyntaxError
from iptlab.netfilter.extension import Extension, Option
from iptlab.netfilter.values import Given
from iptlab.syntax.cursor import Cursor
from iptlab.syntax.draft import Draft, LineDraft, read_at
from iptlab.syntax.tokens import Token


class OptionReader:
    """Reads a line's options, each into the draft of what it belongs to."""

    def __init__(self, line: LineDraft, words: Cursor) -> None:
        self.line = line
        self.words = words

    def read(self, draft: Draft, found: tuple[str, Option], token: Token) -> None:
        """Read the words behind ``token``, which names the option ``found``."""
        field_name, declared = found
        apart = token.text in declared.spellings or token.text in declared.warns
        name = token.text if apart else declared.name
        warning = declared.warns.get(name, "")
        if declared.twice:  # where the tool counts by itself, it warns before that
            self._warn(warning)
        self._check_twice(draft, found, name, token)
        negated = self._negated(draft, declared, name, token)
        words = self._take(declared, name, token)
        text = " ".join(word.text for word in words)
        word = words[0] if words else token
        self._check_word(draft, text, word)
        read = partial(declared.reader(name).read, text, self.line.family)
        of = (draft.kind.name, declared.formal or name)
        value = read_at(self.line.place, word, read, of)
        self._warn(value.warning())
        if not declared.twice:
            self._warn(warning)
        draft.values.pop(field_name, None)  # the order in which they were given last counts
        draft.values[field_name] = Given(value, negated)
        if name == draft.kind.parted_by:
            draft.turn()
            check = partial(draft.kind.check_elements, len(draft.elements))
            read_at(self.line.place, token, check)

    def _check_twice(
        self, draft: Draft, found: tuple[str, Option], name: str, token: Token
    ) -> None:
        """Refuse an option given again; two spellings of it are looked at in the end."""
        field_name, declared = found
        spelled = draft.spelled.setdefault(field_name, [])
        again = declared.twice or not {name, *spelled} & set(declared.spellings)
        if spelled and (again or name in spelled) and (declared.twice or not declared.lax):
            raise self._error(
                token,
                declared.twice
                or f'{draft.kind.name}: option "{declared.formal or name}" can only be used once.',
                f"Use a second -m {draft.kind.name} or a second rule.",
            )
        spelled.append(name)

    def _negated(self, draft: Draft, declared: Option, name: str, token: Token) -> bool:
        """Whether ! stands before the option, which must be one that may have it, and in order."""
        negated = self.line.take_bang() and not declared.lax
        if negated and not declared.negatable:
            raise self._error(
                token,
                f'{draft.kind.name}: option "{name}" cannot be inverted.',
                f"{name} knows no !; leave it out.",
            )
        if declared.after and all(declared.after[0] not in n for n in draft.spelled.values()):
            first, cause = declared.after
            raise self._error(token, cause, f"Write {first} before {name}.")
        return negated

    def _take(self, declared: Option, name: str, token: Token) -> list[Token]:
        """The words behind the option: the first whatever it looks like."""
        arity = declared.reader(name).arity
        words = [self.words.value(token) for _ in range(min(arity, 1))]
        for _ in range(arity - len(words)):
            if not self.words.argument_follows():
                cure = f"Write {arity} words after {token.text}."
                raise self._error(token, f"{token.text} {declared.value.too_few}", cure)
            words.append(self.words.value(token))
        if declared.value.optional and self.words.argument_follows():
            words.append(self.words.take())
        return words

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

    def _warn(self, warning: str) -> None:
        if warning:
            self.line.warnings.append(warning)

    def _error(self, token: Token, cause: str, cure: str) -> RuleSyntaxError:
        return self.line.place.error(token, cause, cure)
