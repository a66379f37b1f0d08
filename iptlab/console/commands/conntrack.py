"""``conntrack``: what connection tracking remembers, listed, counted and forgotten.

Source: conntrack-tools 1.4.7, conntrack.c
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import NotModelledError, complaining
from iptlab.console.conntrack_entries import FILTERS, NATTED, PLAIN, TOOL, Format, Test, more, wrong
from iptlab.netfilter.context import Connection

_LISTED, _DELETED, _EMPTIED, _COUNTED = "-L", "-D", "-F", "-C"
_COMMANDS = {
    **{"-L": _LISTED, "--dump": _LISTED, "-D": _DELETED, "--delete": _DELETED},
    **{"-F": _EMPTIED, "--flush": _EMPTIED, "-C": _COUNTED, "--count": _COUNTED},
}
# what it could do besides, and what to do instead
_ELSE = {
    **dict.fromkeys(("-E", "--event"), "It would wait for events; list the table with -L."),
    **dict.fromkeys(("-G", "--get"), "List with filters: -L -s ADDRESS -d ADDRESS."),
    **dict.fromkeys(("-I", "--create"), "Entries begin with packets: ping, curl, nc."),
    **dict.fromkeys(("-U", "--update"), "Marks are set by rules: -j CONNMARK."),
    **dict.fromkeys(("-S", "--stats"), "Count the entries with -C."),
}
_USAGE = """Command line interface for the connection tracking system. Version 1.4.7
Usage: conntrack [commands] [options]

Commands here:
  -L [table] [options]		List conntrack or expectation table
  -D [table] parameters		Delete conntrack or expectation
  -F [table]			Flush table
  -C [table]			Show counter

Options here:
  -s, --src, --orig-src ip		Source address from original direction
  -d, --dst, --orig-dst ip		Destination address from original direction
  -r, --reply-src ip		Source addres from reply direction
  -q, --reply-dst ip		Destination address from reply direction
  -p, --protonum proto		Layer 4 Protocol, eg. 'tcp'
  -f, --family proto		Layer 3 Protocol, eg. 'ipv6'
  -u, --status status		Set status, eg. ASSURED
  -w, --zone value		Set conntrack zone
  -m, --mark mark			Set mark
  -n, --src-nat ip			source NAT ip
  -g, --dst-nat ip			destination NAT ip
  -j, --any-nat ip			source or destination NAT ip
  -o, --output type[,...]		Output format, eg. extended,id
  --sport, --dport, --reply-port-src, --reply-port-dst port	with -p
  --state state		TCP state, eg. ESTABLISHED

"""
# conntrack.c (optflags)
_LONG = {
    **{"-s": "src", "-d": "dst", "-r": "reply-src", "-q": "reply-dst", "-p": "protonum"},
    **{"-u": "status", "-m": "mark", "-f": "family", "-n": "src-nat", "-g": "dst-nat"},
    **{"-j": "any-nat", "-w": "zone"},
}


@dataclass(frozen=True)
class Request:
    """A command line as understood: what to do, with which entries, printed how.

    ``first`` is the long name of the first option that chooses entries.
    """

    command: str
    table: str = "conntrack"
    tests: tuple[Test, ...] = ()
    format: Format = PLAIN
    first: str = ""

    @classmethod
    def parse(cls, words: Sequence[str]) -> Request:
        """The words after ``conntrack``."""
        left = _split(words)
        commands: list[str] = []
        table, tests, shown = "conntrack", [], PLAIN
        known = dict(FILTERS)
        named = [left[n + 1] for n, word in enumerate(left[:-1]) if word in ("-p", "--protonum")]
        known |= more(named[0].lower()) if named else {}
        while left:
            word = left.pop(0)
            if word in _ELSE:
                raise NotModelledError("conntrack", word, _ELSE[word])
            if word in _COMMANDS:
                commands.append(_COMMANDS[word])
                if left and not left[0].startswith("-"):
                    table = _table(left.pop(0))
            elif word in NATTED:
                given = left.pop(0) if left and not left[0].startswith("-") else ""
                tests.append(NATTED[word](given))
            elif word in known or word in ("-o", "--output"):
                if not left:
                    raise wrong(f"option `{word}' requires an argument")
                if word in known:
                    tests.append(known[word](left.pop(0)))
                else:
                    shown = Format.parse(left.pop(0))
            else:
                raise wrong(f"unknown option `{word}'")
        if len(commands) != 1:
            raise wrong("Invalid commands combination")
        first = next((_LONG[word] for word in _split(words) if word in _LONG), "")
        return cls(commands[0], table, tuple(tests), shown, first)

    def means(self, one: Connection) -> bool:
        """Whether it is about an entry."""
        return all(test(one) for test in self.tests)


def _split(words: Sequence[str]) -> list[str]:
    """``--dport=80`` and ``-ptcp`` as two words each."""
    parts: list[str] = []
    for word in words:
        if word.startswith("--"):
            parts += word.split("=", 1)
        elif word.startswith("-") and len(word) > 2:
            parts += [word[:2], word[2:]]
        else:
            parts.append(word)
    return parts


def _table(word: str) -> str:
    if word in ("dying", "unconfirmed"):
        raise NotModelledError("conntrack", f"the table {word}")
    if word not in ("conntrack", "expect"):
        raise wrong(f"unknown type `{word}'")
    return word


# --- the command ---


@register_command("conntrack")
@complaining
def conntrack(session: Session, words: Sequence[str]) -> Output:
    """List the table (-L), count (-C), forget entries (-D) or all of them (-F).

    Simplified: the oldest entry comes first; a kernel's order is that of its hash table. An
    entry's id is its place in the list.
    """
    if len(words) == 1 or words[1] in ("-h", "--help"):
        return Output(_USAGE)
    if words[1] in ("-V", "--version"):
        return Output(f"{TOOL}\n")
    request = Request.parse(words[1:])
    if request.table == "expect":
        return _expectations(request)
    entries = session.machine.connections()
    match request.command:
        case "-C":
            return Output(f"{len(entries)}\n")
        case "-F":
            if request.first:
                raise wrong(f"Illegal option `--{request.first}' with this command")
            session.machine.forget(entries)
            said = "connection tracking table has been emptied."
            return Output(stderr=f"{TOOL}: {said}\n")
    chosen = [(n, one) for n, one in enumerate(entries, start=1) if request.means(one)]
    lines = "".join(f"{request.format.line(n, one)}\n" for n, one in chosen)
    deleted = request.command == _DELETED
    if deleted:
        session.machine.forget([one for _, one in chosen])
    verb = "deleted" if deleted else "shown"
    said = f"{TOOL}: {len(chosen)} flow entries have been {verb}.\n"
    return Output(lines, said, 1 if deleted and not chosen else 0)


def _expectations(request: Request) -> Output:
    """Nothing expects anything: there are no helpers here."""
    if request.command == _COUNTED:
        return Output("0\n")
    verb = {"-L": "shown", "-D": "deleted"}.get(request.command)
    if verb is None:
        return Output(stderr=f"{TOOL}: expectation table has been emptied.\n")
    return Output(stderr=f"{TOOL}: 0 expectations have been {verb}.\n")
