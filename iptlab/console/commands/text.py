"""Commands that look at text: ``cat``, ``head``, ``tail``, ``wc``, ``sort`` and their like.

Man pages: cat(1), head(1), tail(1), wc(1), sort(1), uniq(1), cut(1), tee(1); GNU coreutils 9

Simplified: of their options only those that one types at a firewall.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from iptlab.console.command import Output, Session, register_command
from iptlab.console.files import MOST_TEXT, read_file, write_file
from iptlab.errors import FileError
from iptlab.syntax.program import Switch, UsageError, read_switches


def contents(session: Session, called: str, names: Sequence[str]) -> tuple[list[str], str]:
    """The text of each named file, or of the input alone; and the complaints about others."""
    texts: list[str] = []
    complaints = []
    for name in names or ["-"]:
        try:
            texts.append(session.stdin if name == "-" else read_file(session, name))
            if sum(map(len, texts)) > MOST_TEXT:
                raise UsageError(f"more than {MOST_TEXT:,} characters")
        except FileError as error:
            complaints.append(f"{called}: {error}\n")
    return texts, "".join(complaints)


def _printed(text: str, complaints: str) -> Output:
    return Output(text, complaints, int(bool(complaints)))


def _number(text: str, what: str) -> int:
    """A count of lines or the like, which may have a sign."""
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise UsageError(f"invalid number of {what}: '{text}'")
    return int(text)


@register_command("cat")
def cat(session: Session, words: Sequence[str]) -> Output:
    """Files, or the input, one after the other; ``-n`` numbers the lines."""
    given, names = read_switches(words[1:], (Switch("n", "number"),))
    texts, complaints = contents(session, "cat", names)
    text = "".join(texts)
    if "n" in given:
        lines = enumerate(text.splitlines(keepends=True), start=1)
        text = "".join(f"{number:6}\t{line}" for number, line in lines)
    return _printed(text, complaints)


@register_command("head", "tail")
def head(session: Session, words: Sequence[str]) -> Output:
    """The first or last lines: ``-n 5``, ``-5``, all but the last ``-n -5``, from ``-n +5``."""
    called = words[0]
    plain = list(words[1:])
    if plain and re.fullmatch("-[0-9]+", plain[0]):
        plain[0] = f"-n{plain[0][1:]}"
    known = (Switch("n", "lines", "a word"), Switch("c", "bytes", "a word"))
    given, names = read_switches(plain, known)
    unit = "bytes" if "c" in given else "lines"
    count = given.get("c", given.get("n", "10"))
    number = _number(count, unit)
    texts, complaints = contents(session, called, names)
    parts: list[str] = []
    for name, text in zip(names or ["-"], texts, strict=False):
        pieces = list(text) if unit == "bytes" else text.splitlines(keepends=True)
        if len(texts) > 1:
            parts.append("\n" * bool(parts) + f"==> {name} <==\n")
        parts += pieces[_first(number, count) if called == "head" else _last(number, count)]
    return _printed("".join(parts), complaints)


def _first(number: int, count: str) -> slice:
    return slice(None) if count == "-0" else slice(number)


def _last(number: int, count: str) -> slice:
    """From line N on with a plus, else that many from the end."""
    if count.startswith("+"):
        return slice(max(number - 1, 0), None)
    return slice(-abs(number) if number else 1 << 62, None)


_COUNTS = {"l": "lines", "w": "words", "c": "bytes"}


@register_command("wc")
def wc(session: Session, words: Sequence[str]) -> Output:
    """How many lines, words and bytes (``-l``, ``-w``, ``-c``)."""
    given, names = read_switches(words[1:], tuple(Switch(*one) for one in _COUNTS.items()))
    texts, complaints = contents(session, "wc", names)
    asked = [letter for letter in _COUNTS if letter in given or not given]
    rows = [_counts(text, asked) for text in texts]
    if len(rows) > 1:
        rows.append([sum(column) for column in zip(*rows, strict=True)])
    # the input's size is not known before it is read, so its columns are wide
    width = len(str(sum(len(text.encode()) for text in texts))) if names else 7
    width = 1 if len(asked) == 1 and len(names) < 2 else width
    labels = [*(f" {name}" for name in names), " total"] if names else [""]
    lines = [
        " ".join(f"{n:{width}}" for n in row) + f"{label}\n"
        for row, label in zip(rows, labels, strict=False)
    ]
    return _printed("".join(lines), complaints)


def _counts(text: str, asked: list[str]) -> list[int]:
    found = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
    return [found[letter] for letter in asked]


@register_command("sort")
def sort(session: Session, words: Sequence[str]) -> Output:
    """The lines in order of their bytes; ``-n``, ``-r``, ``-u``, ``-k FIELD``, ``-t SIGN``."""
    known = (
        *(Switch("n", "numeric-sort"), Switch("r", "reverse"), Switch("u", "unique")),
        *(Switch("k", "key", "a word"), Switch("t", "field-separator", "a word")),
    )
    given, names = read_switches(words[1:], known)
    field = re.fullmatch(r"([1-9][0-9]{0,5})(,\1)?(n?)(r?)", given.get("k", "1"))
    if field is None:
        raise UsageError(f"invalid field specification '{given['k']}'; write a number: -k 2")
    numeric, reverse = "n" in given or bool(field[3]), "r" in given or bool(field[4])
    texts, complaints = contents(session, "sort", names)
    lines = [line for text in texts for line in text.splitlines()]

    def key(line: str) -> tuple[float, str]:
        part = _fields(line, given.get("t"), int(field[1]), alone=bool(field[2]))
        return (_value(part), "") if numeric else (0, part)

    if "u" in given:
        same = groupby(sorted(lines, key=key, reverse=reverse), key=key)
        ordered = [next(run) for _, run in same]
    else:
        ordered = sorted(lines, key=lambda line: (key(line), line), reverse=reverse)
    return _printed("".join(f"{line}\n" for line in ordered), complaints)


def _fields(line: str, sign: str | None, first: int, *, alone: bool) -> str:
    """A line from one field on, or that field alone; blanks before a field belong to it."""
    parts = re.findall(r"[ \t]*[^ \t]+", line) if sign is None else line.split(sign)
    return (sign or "").join(parts[first - 1 : first if alone else None])


def _value(text: str) -> float:
    found = re.match(r"\s*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)", text)
    return float(found[1]) if found else 0.0


@register_command("uniq")
def uniq(session: Session, words: Sequence[str]) -> Output:
    """Each run of equal lines once; ``-c`` counts, ``-d`` and ``-u`` choose."""
    known = (Switch("c", "count"), Switch("d", "repeated"), Switch("u", "unique"))
    given, names = read_switches(words[1:], known)
    texts, complaints = contents(session, "uniq", names)
    runs = ((line, len(list(same))) for line, same in groupby("".join(texts).splitlines()))
    lines = [
        f"{count:7} {line}\n" if "c" in given else f"{line}\n"
        for line, count in runs
        if not ("d" in given and count < 2) and not ("u" in given and count > 1)
    ]
    return _printed("".join(lines), complaints)


@register_command("cut")
def cut(session: Session, words: Sequence[str]) -> Output:
    """Fields (``-f 1,3-`` between ``-d SIGN``) or characters (``-c``) of every line."""
    known = (
        *(Switch("d", "delimiter", "a word"), Switch("f", "fields", "a word")),
        *(Switch("c", "characters", "a word"), Switch("s", "only-delimited")),
    )
    given, names = read_switches(words[1:], known)
    if ("f" in given) == ("c" in given):
        raise UsageError("you must specify a list of bytes, characters, or fields: -f 1 or -c 1-8")
    sign = given.get("d", "\t")
    if len(sign) != 1:
        raise UsageError("the delimiter must be a single character")
    wanted = list(_ranges(given.get("f", given.get("c", ""))))
    texts, complaints = contents(session, "cut", names)
    lines = []
    for line in "".join(texts).splitlines():
        if "f" in given and sign not in line:
            lines += [] if "s" in given else [f"{line}\n"]
            continue
        parts = line.split(sign) if "f" in given else list(line)
        kept = [
            part
            for number, part in enumerate(parts, start=1)
            if any(low <= number <= high for low, high in wanted)
        ]
        lines.append((sign if "f" in given else "").join(kept) + "\n")
    return _printed("".join(lines), complaints)


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{0,6})(-?)([0-9]{0,6})", part)
        if found is None or part in ("", "-"):
            raise UsageError(f"invalid field value '{part}'; write for example 1,3-5")
        low = int(found[1] or 1)
        yield low, int(found[3] or 10**6) if found[2] else low


@register_command("tee")
def tee(session: Session, words: Sequence[str]) -> Output:
    """The input, into files as well; ``-a`` appends."""
    given, names = read_switches(words[1:], (Switch("a", "append"),))
    complaints = ""
    for name in names:
        try:
            write_file(session, name, session.stdin, append="a" in given)
        except FileError as error:
            complaints += f"tee: {error}\n"
    return _printed(session.stdin, complaints)
