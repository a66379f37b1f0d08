"""The lines of a text found in the wild, without what stands around them.

Mail programs put > before a line and wrap it, editors number it, logs put the time before it,
programs have it in quotation marks, and web pages between tags.
"""

from __future__ import annotations

import re
from html import unescape


def plain_lines(text: str) -> list[str]:
    """The lines of the text as they were printed; one that was wrapped is whole again."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.replace("\xa0", " ").encode(errors="replace").decode()
    lines = [_bare(line) for line in plain.split("\n")]
    last = 0
    for at, line in enumerate(lines):
        if at and line and _goes_on(lines[last]) and not _IS_WHOLE(line):
            lines[last], lines[at] = f"{lines[last][:-1].rstrip()} {line}", ""
        elif line and _is_broken(lines[last]) and not _BEGINS(line):
            lines[last], lines[at] = f"{lines[last]} {line}", ""
        elif line:
            last = at
    return lines


def _bare(line: str) -> str:
    """The line without what was put around it."""
    if "<" in line and (tagged := _TAGGED(line)):
        line = unescape(tagged[1])
    line = _AROUND.sub("", line).strip(" \t")
    if line[:1] in ("'", '"') and (quoted := _QUOTED(line)):
        return quoted[2].strip(" \t")
    return line


def _is_broken(line: str) -> bool:
    """Whether a mail program seems to have wrapped the rule of this line."""
    if not re.match(r"(\[\S+\] )?-A ", line):
        return False
    return line.replace('\\"', "").count('"') % 2 == 1 or line.split()[-1][0] == "-"


def _goes_on(line: str) -> bool:
    """Whether a shell reads the next line as more of this command."""
    return line.endswith("\\") and line[:1] not in ("-", "[") and " -" in line


_IS_WHOLE = re.compile(r"[*:#]|COMMIT").match
_BEGINS = re.compile(r"[-*:#\[$>]|COMMIT").match
_A_LINE = r"(?=-[A-Z] |[*:]\s?\w|# ?(?:Generated|Completed)|\[\d+:\d+\] -|COMMIT\b)"
# a mail's >, a patch's +, the number of a line, the time and the program of a log
_AROUND = re.compile(
    rf"^[ \t]*(?:> ?|[+|]+[ \t]*{_A_LINE}|\d+[.):]?[ \t]+{_A_LINE}|\d+[.)][ \t]+"
    rf"|\[[A-Za-z][\w.-]*\] {_A_LINE}|.{{0,99}}?\S\[\d+\]: {_A_LINE})*"
)
_QUOTED = re.compile(rf"(['\"]){_A_LINE}(.*?)(?:\\n)?\1[,;)\]]*").fullmatch
_TAGGED = re.compile(rf"(?:<[a-z][^<>]*>)+\s*({_A_LINE}.*?)(?:</?[a-z][^<>]*>)*\s*").fullmatch
