"""Options by name: in full, as far as getopt needs them, and what a wrong one was meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from iptlab.errors import RuleSyntaxError
from iptlab.netfilter.extension import MATCHES, TARGETS, Extension
from iptlab.netfilter.header import Header
from iptlab.netfilter.rules import VERDICTS
from iptlab.syntax.draft import LineDraft, named
from iptlab.syntax.grammar import JUMPS, LOAD_MATCH, OPERATIONS, SWITCHES
from iptlab.syntax.tokens import Token


def full_name(name: str, line: LineDraft) -> str:
    """The option that ``name`` is or, as getopt allows, uniquely begins."""
    implicit = line.implicit_match()
    for known in (list(_known_names(line)), list(_long_names([implicit] if implicit else []))):
        for full, canonical in known:
            if full == name:
                return canonical
        found = {canonical for full, canonical in known if full.startswith(name)}
        if found:
            return found.pop() if len(found) == 1 else name
    return name


def _known_names(line: LineDraft) -> Iterator[tuple[str, str]]:
    """Every long name of what is loaded so far, with the name we know it by."""
    for name, longs in ((n, o[0]) for n, o in OPERATIONS.items()):
        yield from ((long, name) for long in longs)
    for name, (long, _) in SWITCHES.items():
        yield long, name
    for name, longs in (*JUMPS.items(), *LOAD_MATCH.items()):
        yield from ((long, name) for long in longs)
    yield from _long_names([Header, *(draft.kind for draft in line.drafts())])


def _long_names(kinds: Iterable[type[Extension]]) -> Iterator[tuple[str, str]]:
    """The long names of extensions' options, with the name we know each by."""
    for kind in kinds:
        for _, declared in kind.options():
            for name in declared.names:
                apart = name in declared.spellings or name in declared.warns
                yield name, name if apart else declared.name


def takes_word(name: str) -> bool:
    """Whether a word follows the option, if it is not one of an extension."""
    found = named(Header, name)
    if found:
        return found[1].value.arity > 0
    return (
        name in OPERATIONS
        or name in JUMPS
        or name in LOAD_MATCH
        or SWITCHES.get(name, ("", 0))[1] > 0
    )


def needs_word(name: str, line: LineDraft) -> bool:
    """Whether getopt refuses the option at the end of a line."""
    if name in OPERATIONS:
        return OPERATIONS[name][1].startswith("chain")
    return takes_word(name) or _arity(name, line) > 0


def stands_alone(name: str, line: LineDraft) -> bool:
    """Whether getopt lets no word follow the option."""
    return _arity(name, line) == 0 or SWITCHES.get(name, ("", 1))[1] == 0


def _arity(name: str, line: LineDraft) -> int:
    """How many words follow an extension's option; -1 if no extension has it."""
    kinds = [draft.kind for draft in reversed(line.drafts()) if not draft.closed]
    for kind in filter(None, (*kinds, line.implicit_match())):
        if found := named(kind, name):
            return found[1].reader(name).arity
    return -1


def unknown(token: Token, line: LineDraft) -> RuleSyntaxError:
    """The refusal of an option that nothing loaded so far has."""
    owners = sorted(name for name, kind in MATCHES.items() if named(kind, token.text))
    owners.sort(key=lambda name: f"--{name}" != token.text)  # --mark is first of all that of mark
    users = sorted(name for name, kind in TARGETS.items() if named(kind, token.text))
    near = [name for name, _ in _known_names(line)]
    if implicit := line.implicit_match():
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
    elif takes_word(token.text.lower()):
        cure = f"Did you mean {token.text.lower()}?"
    else:
        cure = "Check the spelling; options of an extension come after its -m or -j."
    whole = line.place.text[token.column - 1 : token.end - 1]
    shown = whole if whole.startswith(f"{token.text}=") else token.text
    return line.place.error(token, f'unknown option "{shown}"', cure)


def cure_of_stray(word: str, before: list[Token], after: list[Token]) -> str:
    """What to type where a word stands that belongs to no option; the other words are around it."""
    option, value = ("", "", *(token.text for token in before))[-2:]
    for each in (option, value):
        if _ONE_DASH(each) and any(
            named(kind, f"-{each}") for kind in (*MATCHES.values(), *TARGETS.values())
        ):
            return f"Long options begin with two dashes: -{each}."
    if value.endswith(","):
        return f"Take the blank out: {option} {value}{word}."
    if value.startswith("'"):
        quoted = " ".join([value, word, *(token.text for token in after)])[1:].partition("'")[0]
        return f'Without the word iptables only double quotes count: {option} "{quoted}".'
    if option in _LISTS and _LISTS[option].fullmatch(word):
        return f"A list has commas and no blanks: {option} {value},{word}."
    if option in ("--dport", "--sport") and word.isdecimal():
        return f"{option} takes one port; for several write -m multiport {option}s {value},{word}."
    if word in (*VERDICTS, *TARGETS) and option not in JUMPS:
        return f"Write -j before a target: -j {word}."
    if option in _SENTENCES:
        return f'Several words are one if they stand in quotes: {option} "{value} {word}".'
    return "Options begin with - or --; is one missing here?"


_ONE_DASH = re.compile(r"-[a-z]{2}[a-z-]*").fullmatch
# options that take a list, and what one more element of it looks like
_STATE, _PORT, _ADDRESS = (
    re.compile("NEW|ESTABLISHED|RELATED|INVALID|UNTRACKED"),
    re.compile(r"\d+(:\d+)?"),
    re.compile(r"[\da-f]*[.:][\da-f.:]+(/\d+)?"),
)
_LISTS = {
    **dict.fromkeys(("--ctstate", "--state"), _STATE),
    **dict.fromkeys(("--dports", "--sports", "--ports"), _PORT),
    **dict.fromkeys(("-s", "--source", "--src", "-d", "--destination", "--dst"), _ADDRESS),
}
# options that often take a sentence
_SENTENCES = {"--comment", "--log-prefix", "--nflog-prefix", "--ulog-prefix", "--string"}


# how much alike two names are if one was meant: CLOSED is no LED
_CLOSE = 0.7


def did_you_mean(word: str, known: Iterable[str], noun: str) -> str:
    """Which of the known names was meant, as a cure says it."""
    spelled = {name.lower(): name for name in known}
    close = [spelled[name] for name in get_close_matches(word.lower(), spelled, 1, _CLOSE)]
    return f"Did you mean the {noun} {close[0]}?" if close else f"There is no {noun} of that name."
