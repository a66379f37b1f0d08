"""What a shell makes of a text: lines of commands with their words, pipes and redirections.

Read is what a person types at a firewall: words, quotes, comments, pipes, ``;``, ``&&`` and
``||``, here-documents, redirections and ``$?``. Whatever else a shell knows is refused by name,
never taken for something else. No shell ever runs.

Source: POSIX, Shell Command Language, 2.2 (quoting), 2.3 (token recognition) and 2.7
(redirection); bash(1) for ``<<<``, ``&>`` and the wording of its complaints
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from iptlab.errors import RuleSyntaxError

# what stands for $? in a word until the command is run; no word of a real shell holds it
_STATUS = "\0"


@dataclass(frozen=True)
class Redirection:
    """Where a stream goes: ``how`` is <, >, >>, & (to where another one goes) or text.

    ``target`` is a file's path, a stream's number, or the text itself.
    """

    stream: int
    how: str
    target: str


@dataclass(frozen=True)
class Simple:
    """One command: its words, as its program gets them, and its redirections."""

    words: tuple[str, ...]
    redirections: tuple[Redirection, ...] = ()

    def after(self, status: int) -> Simple:
        """The command as it is run after another one that ended with that status."""
        if not any(_STATUS in word for word in (*self.words, *self._targets)):
            return self
        words = tuple(_with_status(word, status) for word in self.words)
        redirections = tuple(
            Redirection(one.stream, one.how, _with_status(one.target, status))
            for one in self.redirections
        )
        return Simple(words, redirections)

    @property
    def _targets(self) -> tuple[str, ...]:
        return tuple(one.target for one in self.redirections)


def _with_status(word: str, status: int) -> str:
    return word.replace(_STATUS, str(status))


@dataclass(frozen=True)
class Step:
    """A pipeline, and what joins it to the one before on its line: ;, && or ||."""

    joined_by: str
    pipeline: tuple[Simple, ...]

    def due(self, status: int) -> bool:
        """Whether it is run after the step before ended with that status."""
        return self.joined_by == ";" or (self.joined_by == "&&") == (status == 0)


@dataclass(frozen=True)
class Line:
    """What is run as one: ``source`` is how it was typed, ``number`` counts from 1."""

    number: int
    source: str
    steps: tuple[Step, ...]


# the pieces of a text; a word is a run of bare, escaped and quoted ones
_PIECE = re.compile(
    r"""
    (?P<blank>[ \t]+)
  | (?P<continued>\\\n)
  | (?P<newline>\n)
  | (?P<comment>(?<![^\s;&|])\#[^\n]*)
  | (?P<heredoc><<-?(?!<))
  | (?P<redirect><<<|&>>?|>>|>\||[<>]&|[<>])(?!\()
  | (?P<joint>&&|\|\||;(?!;)|\|(?!&))
  | (?P<status>\$\?)
  | (?P<sign>\$(?![\w{(@*\#!$'"-]))
  | (?P<bare>[^\s\\'"`$&|;<>()*?{]+|\{(?![^\s{}'"]*(?:,|\.\.)[^\s{}'"]*\}))
  | (?P<escaped>\\[^\r\n])
  | '(?P<single>[^']*)'
  | "(?P<double>(?:[^"\\$`]++|\\.|\$(?![\w{(@*\#!$'-]))*+)"
  | (?P<refused>;;|\|&|[<>]\(|.|\r)
    """,
    re.VERBOSE | re.DOTALL,
)
# what no text holds: a NUL byte, and half of a character (a lone surrogate)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
# inside double quotes and here-documents a backslash escapes only these, and $? is filled in
_QUOTED = re.compile(r"\\([$`\"\\])|\\\n|(\$\?)")
_IN_DOCUMENT = re.compile(r"\\([$`\\])|\\\n|(\$\?)|([$`](?=[\w{(@*#!$'-])|`)")
_SIGN_IN_QUOTE = re.compile(r'"(?:[^"\\$`]++|\\.|\$\?)*+([$`])', re.DOTALL)

_SUBSHELL = ("subshells and functions are not read here", "Write the commands one after another.")
_PATTERN = ("patterns of file names are not read here", "Put the word in quotes: '*'.")
# signs that are refused, and what to write instead
_REFUSED = {
    "$": ("variables are not read here, but $?", "Write the value itself, or '$' for the sign."),
    "$(": ("commands in $( ) are not run here", "Write what the command would print."),
    "`": ("commands in backquotes are not run here", "Write what the command would print."),
    "&": ("commands do not run in the background here", "Use && or a new line instead of &."),
    "|&": ("|& is not read here", "Write 2>&1 | instead."),
    ";;": ("bash: syntax error near unexpected token `;;'", "Write one ; between commands."),
    "(": _SUBSHELL,
    ")": _SUBSHELL,
    "<(": ("commands do not stand for files here", "Put it before a pipe: command | command."),
    ">(": ("commands do not stand for files here", "Put it behind a pipe: command | command."),
    "*": _PATTERN,
    "?": _PATTERN,
    "{": ("words in braces are not multiplied here", "Write each word, or quote the braces."),
    "'": ("bash: unexpected EOF while looking for matching `''", "Close the quote with '."),
    '"': ("bash: unexpected EOF while looking for matching `\"'", 'Close the quote with ".'),
    "\\": ("a backslash ends the text", "Take it out, or write the line that goes on."),
    "\r": (
        "the line ends in a carriage return (CR LF, as Windows writes it)",
        "Convert the text: tr -d '\\r' < FILE.",
    ),
}
_COMPOUND = ("if", "for", "while", "until", "case", "select", "function", "{", "[[", "time", "!")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=").match
# every command looks at all rules there are, so many of them take long
MOST_COMMANDS = 1_000


def read_lines(text: str, first_line: int = 1) -> tuple[Line, ...]:
    r"""The lines of a text, all of them or RuleSyntaxError for the first thing that is refused.

    The first is number ``first_line``.

    >>> [line.source for line in read_lines("iptables -L # all\ncat <<EOF | wc\nhello\nEOF\n")]
    ['iptables -L', 'cat <<EOF | wc']
    """
    return _Reader(text, first_line).lines()


@dataclass
class _Word:
    """A word that is being read; ``quoted`` if any of it was."""

    at: int
    text: str = ""
    quoted: bool = False


@dataclass
class _Waiting:
    """A redirection whose target is the next word, or whose text comes after the line."""

    stream: int
    how: str
    at: int
    stripped: bool = False
    expanded: bool = True
    end: str | None = None


@dataclass
class _Reader:
    """Goes through a text once."""

    text: str
    first_line: int
    at: int = 0
    found: list[Line] = field(default_factory=list)
    # the line, its pipeline and its command, as far as they are read
    steps: list[Step] = field(default_factory=list)
    joined_by: str = ";"
    pipeline: list[Simple] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)
    word: _Word | None = None
    target: _Waiting | None = None
    documents: list[_Waiting] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    start: int | None = None
    end: int = 0
    # how many commands were read, on all lines
    commands: int = 0
    # how many line feeds there are before the place ``counted``
    passed: int = 0
    counted: int = 0
    # a line feed after these goes on with the same line
    open_joint: str = ""

    def lines(self) -> tuple[Line, ...]:
        if found := _NO_TEXT.search(self.text):
            what = "a NUL byte" if found[0] == "\0" else "half a character"
            self._refuse(found.start(), f"a text cannot hold {what}", "Take it out.")
        while self.at < len(self.text):
            found = _PIECE.match(self.text, self.at)
            assert found is not None
            assert found.lastgroup is not None
            self._take(found.lastgroup, found[found.lastgroup], found.end())
        self._newline()
        if self.open_joint:
            cure = f"Write a command behind {self.open_joint}."
            self._refuse(self.end - 1, "bash: syntax error: unexpected end of file", cure)
        return tuple(self.found)

    def _take(self, kind: str, piece: str, end: int) -> None:
        if kind not in ("blank", "newline", "comment", "continued"):
            self.start = self.at if self.start is None else self.start
            self.end = end
        match kind:
            case "bare" | "escaped" | "single" | "double" | "status" | "sign":
                self._lengthen(kind, piece)
            case "refused":
                self._refuse_sign(piece)
            case "heredoc" | "redirect":
                self._redirect(piece)
            case "joint":
                self._end_word()
                self._join(piece)
            case "blank" | "newline" | "comment":
                self._end_word()
        self.at = end
        if kind == "newline":
            self._newline()

    # --- words ---

    def _lengthen(self, kind: str, piece: str) -> None:
        """Begin a word, or go on with the one that is open."""
        if self.word is None:
            self.word = _Word(self.at)
            if kind == "bare" and piece.startswith("~"):
                self._refuse(self.at, "~ does not stand for a folder here", "Write the whole path.")
        self.word.quoted |= kind in ("escaped", "single", "double")
        self.word.text += _plain(kind, piece)

    def _end_word(self) -> None:
        word, self.word = self.word, None
        if word is None:
            return
        if self.target is not None:
            self._aim(self.target, word)
            return
        if not self.words and not word.quoted:
            self._check_first(word)
        self.words.append(word.text)

    def _check_first(self, word: _Word) -> None:
        """Refuse a command's first word if it is one of the shell's grammar."""
        if word.text in _COMPOUND:
            cure = "Write the commands one after another."
            self._refuse(word.at, f"`{word.text}' is not read here, nor are loops", cure)
        if _ASSIGNMENT(word.text):
            cure = "Write the value itself where it is needed."
            self._refuse(word.at, "variables are not set here", cure)

    # --- redirections ---

    def _redirect(self, piece: str) -> None:
        """What stands before is a stream's number, if it is one, or ends as a word."""
        number = ""
        if self.word and not self.word.quoted and self.word.text.isdigit():
            number, self.word = self.word.text, None
        self._end_word()
        self._unfinished(piece)
        usual = 0 if piece.startswith("<") else 1
        stream = int(number[:3]) if number else usual
        if stream > 2 or (stream == 0) != (usual == 0) or piece == "<&":
            cure = "Streams are 0 (input), 1 (output) and 2 (errors): 2>&1, 2>FILE, <FILE."
            self._refuse(self.at, f"`{number}{piece}' is not read here", cure)
        self.target = _Waiting(stream, _HOW.get(piece, piece), self.at, piece == "<<-")

    def _aim(self, waiting: _Waiting, word: _Word) -> None:
        """The target of a redirection is this word."""
        self.target = None
        if waiting.how == "document":
            waiting.end, waiting.expanded = word.text, not word.quoted
            number = str(len(self.bodies) + len(self.documents))
            self.documents.append(waiting)
            self.redirections.append(Redirection(waiting.stream, "document", number))
        elif waiting.how == "text":
            self.redirections.append(Redirection(waiting.stream, "text", f"{word.text}\n"))
        elif waiting.how in ("&>", "&>>"):
            self.redirections.append(Redirection(1, waiting.how[1:], word.text))
            self.redirections.append(Redirection(2, "&", "1"))
        elif waiting.how == "&" and word.text not in ("1", "2"):
            self._refuse(word.at, "only 2>&1 and 1>&2 are read here", "Write > FILE for a file.")
        else:
            self.redirections.append(Redirection(waiting.stream, waiting.how, word.text))

    def _unfinished(self, sign: str) -> None:
        """Refuse a redirection that has no target before this sign."""
        if self.target is not None:
            cure = "Write a file's name, or the end of the here-document, behind the sign."
            self._unexpected(self.target.at, sign, cure)

    # --- commands and lines ---

    def _join(self, sign: str) -> None:
        self._unfinished(sign)
        if not self.words and not self.redirections:
            self._unexpected(self.at, sign, "Write a command before it.")
        self._end_command()
        self.open_joint = "" if sign == ";" else sign
        if sign != "|":
            self._end_pipeline()
            self.joined_by = sign

    def _end_command(self) -> None:
        if self.words or self.redirections:
            self.open_joint = ""
            self.pipeline.append(Simple(tuple(self.words), tuple(self.redirections)))
            self.words, self.redirections = [], []
            self.commands += 1
        if self.commands > MOST_COMMANDS:
            cure = "Load many rules at once with iptables-restore."
            self._refuse(self.end - 1, f"these are more than {MOST_COMMANDS:,} commands", cure)

    def _end_pipeline(self) -> None:
        if self.pipeline:
            self.steps.append(Step(self.joined_by, tuple(self.pipeline)))
            self.joined_by, self.pipeline = ";", []

    def _newline(self) -> None:
        """The end of a line: its here-documents follow, then it is whole unless it goes on."""
        self._end_word()
        self._unfinished("newline")
        self.bodies += [self._document(waiting) for waiting in self.documents]
        self.documents = []
        self._end_command()
        if self.open_joint:
            return
        self._end_pipeline()
        if self.steps:
            assert self.start is not None
            steps = tuple(_with_documents(step, self.bodies) for step in self.steps)
            source = self.text[self.start : self.end]
            self.passed += self.text.count("\n", self.counted, self.start)
            self.counted = self.start
            self.found.append(Line(self.first_line + self.passed, source, steps))
        self.steps, self.bodies, self.start = [], [], None

    def _document(self, waiting: _Waiting) -> str:
        """The text of a here-document, which begins where the reader is."""
        lines: list[str] = []
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            stop = len(self.text) if end < 0 else end
            line = self.text[self.at : stop]
            line = line.lstrip("\t") if waiting.stripped else line
            if line == waiting.end:
                self.at = stop + 1
                return self._expanded("".join(lines), waiting)
            lines.append(f"{line}\n")
            self.at = stop + 1
        cause = f"bash: here-document delimited by end-of-file (wanted `{waiting.end}')"
        cure = f"End the text with a line that holds {waiting.end} and nothing else."
        self._refuse(waiting.at, cause, cure)

    def _expanded(self, body: str, waiting: _Waiting) -> str:
        """What the shell makes of a here-document whose end was not quoted."""
        if not waiting.expanded:
            return body
        for found in _IN_DOCUMENT.finditer(body):
            if found[3]:
                cause, _ = _REFUSED[found[3]]
                cure = f"Write <<'{waiting.end}', then the text is taken as it stands."
                self._refuse(waiting.at, f"in this here-document {cause}", cure)
        return _IN_DOCUMENT.sub(lambda found: found[1] or (_STATUS if found[2] else ""), body)

    # --- refusals ---

    def _refuse_sign(self, sign: str) -> NoReturn:
        at = self.at
        if sign == '"' and (inside := _SIGN_IN_QUOTE.match(self.text, at)):
            at, sign = inside.start(1), inside[1]
        if self.text.startswith("$(", at):
            sign = "$("
        self._refuse(at, *_REFUSED[sign])

    def _unexpected(self, at: int, sign: str, cure: str) -> NoReturn:
        self._refuse(at, f"bash: syntax error near unexpected token `{sign}'", cure)

    def _refuse(self, at: int, cause: str, cure: str) -> NoReturn:
        start = self.text.rfind("\n", 0, at) + 1
        line = self.text[start:].partition("\n")[0]
        word = self.text[at : at + 1]
        number = self.first_line + self.text.count("\n", 0, at)
        raise RuleSyntaxError(
            cause, line=number, column=at - start + 1, word=word, text=line, cure=cure
        )


_HOW = {"<<": "document", "<<-": "document", "<<<": "text", ">|": ">", ">&": "&"}


def _plain(kind: str, piece: str) -> str:
    """A piece of a word without its quoting."""
    match kind:
        case "escaped":
            return piece[1:]
        case "status":
            return _STATUS
        case "double":
            return _QUOTED.sub(lambda found: found[1] or (_STATUS if found[2] else ""), piece)
    return piece


def _with_documents(step: Step, bodies: list[str]) -> Step:
    """The step with the text of its here-documents, which were numbered."""
    return Step(step.joined_by, tuple(_filled(simple, bodies) for simple in step.pipeline))


def _filled(simple: Simple, bodies: list[str]) -> Simple:
    redirections = tuple(
        Redirection(one.stream, "text", bodies[int(one.target)]) if one.how == "document" else one
        for one in simple.redirections
    )
    return Simple(simple.words, redirections)
