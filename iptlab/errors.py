"""What can go wrong with a learner's input, told so that it teaches."""

from __future__ import annotations

import re


class IptlabError(Exception):
    """Everything iptlab refuses derives from this one class."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the message alone, for it says what to do."""
        return [f"{type(self).__name__}: {self}"]


class BadValueError(IptlabError):
    """A word that cannot be what it should be; whoever reads the line adds the place.

    ``cause`` is worded as the real tool words it, ``cure`` says what to type instead,
    ``warnings`` are what the tool says before.
    """

    def __init__(self, cause: str, cure: str = "", *warnings: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure
        self.warnings = warnings

    def about(self, extension: str, option: str) -> BadValueError:
        """The same refusal; where the cause says only "for option", it names the option.

        Source: libxtables/xtoptions.c, whose messages do so

        >>> BadValueError("bad value for option, or out of range (0-9).").about("X", "--y").cause
        'X: bad value for option "--y", or out of range (0-9).'
        """
        for said, meant in _NAMED.items():
            if said in self.cause and not _NAMES(self.cause):
                named = self.cause.replace(said, meant.format(option), 1)
                return BadValueError(f"{extension}: {named}", self.cure)
        return self


_NAMES = re.compile(r'.* option "?--').match
# the ways in which the tool's messages name an option
_NAMED = {
    " for option": ' for option "{}"',
    " to option": ' to "{}"',
    " for this option": ' for "{}" option',
}


class RuleError(IptlabError):
    """A refusal with its place: line and column count from 1, ``text`` is the whole line.

    ``status`` is the exit status the real tool would end with: 2 for a line it cannot
    read, 1 for what the kernel or the rule set does not allow. ``tool`` is that tool's
    own message, ``warnings`` what it said before it.
    """

    status = 1

    def __init__(
        self,
        cause: str,
        *,
        line: int = 0,
        column: int = 0,
        word: str = "",
        text: str = "",
        cure: str = "",
        tool: str = "",
        warnings: tuple[str, ...] = (),
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.line = line
        self.column = column
        self.word = word
        self.text = text
        self.cure = cure
        self.tool = tool or cause
        self.warnings = warnings

    def __str__(self) -> str:
        """The place and cause, the line with the word underlined, the cure."""
        place = f"line {self.line}" * bool(self.line) + f", column {self.column}" * bool(
            self.column
        )
        lines = [f"{place}: {self.cause}" if place else self.cause]
        if self.text:
            lines.append(f"    {_visible(self.text)}")
            if self.column:
                under = "^" * max(1, min(len(self.word), 60))
                lines.append("    " + " " * (min(self.column, _WIDEST) - 1) + under)
        if self.cure:
            lines.append(self.cure)
        return "\n".join(lines)


_WIDEST = 400


def _visible(text: str) -> str:
    """The line as it may be printed: no control characters, not endlessly long."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text.replace("\t", " "))
    return shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + "…"


class RuleSyntaxError(RuleError):
    """A line that the real tool would refuse to read: exit status 2."""

    status = 2


class RulesetError(RuleError):
    """Readable rules that the kernel or the rule set does not allow: exit status 1."""


class PacketError(IptlabError):
    """A packet text that does not describe a packet."""


class ManifestError(IptlabError):
    """Kubernetes objects that cannot be read: where it is, what is wrong, what to write.

    ``place`` is the document and the object in it, ``path`` the field, as in
    ``spec.ports[0].port``; ``cure`` says what is allowed there.
    """

    def __init__(self, cause: str, *, place: str = "", path: str = "", cure: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.place = place
        self.path = path
        self.cure = cure

    def __str__(self) -> str:
        """The place and cause, then the cure in a line of its own."""
        where = ", ".join(filter(None, (self.place, self.path)))
        first = f"{where}: {self.cause}" if where else self.cause
        return f"{first}\n{self.cure}" if self.cure else first


class FileError(IptlabError):
    """A file that cannot be read as text, or not be written."""


class CheckFailedError(IptlabError):
    """An answer that is not correct, where only correct ones may pass."""


class KernelUnavailable(IptlabError):
    """The real kernel cannot be asked here: why not, and what would help."""

    def __init__(self, reason: str, cure: str = "") -> None:
        super().__init__(f"{reason}\n{cure}" if cure else reason)
        self.reason = reason
        self.cure = cure


class CannotCompare(IptlabError):
    """Rules that a comparison cannot decide exactly: what they hold, and why that is so."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"cannot compare {what}: {reason}")
        self.what = what
        self.reason = reason
