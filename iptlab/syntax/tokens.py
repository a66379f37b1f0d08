"""Words of a line, each with its place, cut as the real tools cut them."""

from __future__ import annotations

import re
from typing import NamedTuple


class Token(NamedTuple):
    """One word; columns count from 1, ``end`` is the column after its last character."""

    text: str
    column: int
    end: int
    quoted: bool = False


# a word is a run of bare characters or ends with a double-quoted part; an open quote runs on
_QUOTE = r'"((?:[^"\\]|\\.)*)(?:"|\\?$)'
_WORD = re.compile(rf'[^ \t\n"]+(?:{_QUOTE})?|{_QUOTE}', re.DOTALL)
_QUOTED = re.compile(_QUOTE, re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def restore_words(line: str) -> list[Token]:
    r"""The words of a line for iptables-restore: only ``"`` quotes, backslash inside it escapes.

    A single quote is an ordinary character there, unlike in a shell.

    Source: iptables/xshared.c (add_param_to_argv)

    >>> [word.text for word in restore_words(r'-m comment --comment "it\'s fine"')]
    ['-m', 'comment', '--comment', "it's fine"]
    """
    words = []
    for found in _WORD.finditer(line):
        text = found[0]
        quoted = '"' in text
        if quoted:
            text = _QUOTED.sub(lambda part: _ESCAPE.sub(r"\1", part[1]), text)
        words.append(Token(text, found.start() + 1, found.end() + 1, quoted))
    return words
