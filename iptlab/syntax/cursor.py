"""The words of a line, taken one after another as getopt takes them."""

from __future__ import annotations

from iptlab.syntax.grammar import Place
from iptlab.syntax.tokens import Token


class Cursor:
    """A line's words and how far they have been read; ``at`` counts from 0."""

    def __init__(self, tokens: list[Token], place: Place) -> None:
        self.tokens = tokens
        self.place = place
        self.at = 0

    @property
    def ended(self) -> bool:
        """Whether every word has been read."""
        return self.at >= len(self.tokens)

    def next(self) -> Token | None:
        """The next word, if there is one."""
        return None if self.ended else self.take()

    def take(self) -> Token:
        """The next word, which is there."""
        self.at += 1
        return self.tokens[self.at - 1]

    def ahead(self) -> list[Token]:
        """The next two words, or as many as there are."""
        return self.tokens[self.at : self.at + 2]

    def insert(self, token: Token) -> None:
        """Let that be the next word."""
        self.tokens.insert(self.at, token)

    def skip(self) -> None:
        """Leave the rest of the line unread."""
        self.at = len(self.tokens)

    def argument_follows(self) -> bool:
        """Whether the next word is an argument rather than an option."""
        return not self.ended and not self.tokens[self.at].text.startswith(("-", "!"))

    def value(self, token: Token) -> Token:
        """The word behind an option, whatever it looks like."""
        word = self.next()
        if word is None:
            raise self.place.error(
                token,
                f'option "{token.text}" requires an argument',
                f"Write what {token.text} is to be.",
            )
        return word

    def late_value(self, token: Token) -> Token:
        """The word behind an option that is looked at only when the whole line is read."""
        word = self.value(token)
        if word.text == "!" and self.argument_follows():
            following = self.tokens[self.at]
            cure = f"The ! stands before the option: ! {token.text} {following.text}."
            raise self.place.error(following, f"Bad argument `{following.text}'", cure)
        return word
