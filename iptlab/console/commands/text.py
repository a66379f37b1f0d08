"""Commands that look at text: ``cat``, ``head``, ``tail``, ``wc``, ``sort`` and their like.

Man pages: cat(1), head(1), tail(1), wc(1), sort(1), uniq(1), cut(1), tee(1); GNU coreutils 9
"""

from __future__ import annotations

from collections.abc import Sequence

from iptlab.console.command import Output, Session, register_command
from iptlab.console.files import MOST_TEXT, read_file, write_file
from iptlab.errors import FileError
from iptlab.syntax.program import Switch, UsageError, read_switches


def contents(session: Session, words: Sequence[str], called: str) -> tuple[str, list[str]]:
    """The text of the named files one after another, or of the input; and the complaints."""
    texts, complaints = [], []
    for word in words or ["-"]:
        try:
            texts.append(session.stdin if word == "-" else read_file(session, word))
            if sum(map(len, texts)) > MOST_TEXT:
                raise FileError(f"{word}: more than {MOST_TEXT:,} characters")
        except FileError as error:
            complaints.append(f"{called}: {error}\n")
    return "".join(texts), complaints


@register_command("cat")
def cat(session: Session, words: Sequence[str]) -> Output:
    """Files, or the input, as they are."""
    text, complaints = contents(session, words[1:], "cat")
    return Output(text, "".join(complaints), int(bool(complaints)))
