"""Commands about the machine itself: ``echo``, ``date``, ``sleep``, ``hostname`` and their like.

Man pages: echo(1), sleep(1), date(1), hostname(1), uname(1), yes(1)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from iptlab.console.command import Output, Session, register_command
from iptlab.console.kernel_modules import RELEASE
from iptlab.syntax.program import Switch, UsageError, read_switches

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TEN_YEARS = 10 * 365 * 86400
# what yes prints before it gives up
_MOST_YES = 10_000
# date's codes that do not depend on a language
_CODES = re.compile(r"%([sFTYmdHMSj%])")


@register_command("true", ":")
def true(session: Session, words: Sequence[str]) -> Output:
    """Nothing, well."""
    return Output()


@register_command("false")
def false(session: Session, words: Sequence[str]) -> Output:
    """Nothing, badly."""
    return Output(status=1)


@register_command("echo")
def echo(session: Session, words: Sequence[str]) -> Output:
    """The words; ``-n`` leaves out the line feed, ``-e`` reads backslashes as bash does."""
    rest = list(words[1:])
    switches = ""
    while rest and re.fullmatch("-[neE]+", rest[0]):
        switches += rest.pop(0)[1:]
    text = " ".join(rest)
    if "e" in switches:
        text = re.sub(r"\\([\\ntr])", lambda found: _ESCAPES[found[1]], text)
    return Output(text + "\n" * ("n" not in switches))


_ESCAPES = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r"}


@register_command("yes")
def yes(session: Session, words: Sequence[str]) -> Output:
    """The words again and again; a real one never ends, this one does and says so."""
    line = (" ".join(words[1:]) or "y")[:1000] + "\n"
    stopped = f"yes: stopped after {_MOST_YES:,} lines; a real one goes on for ever\n"
    return Output(line * _MOST_YES, stopped, 1)


@register_command("sleep")
def sleep(session: Session, words: Sequence[str]) -> Output:
    """Let the virtual clock of all machines go on: ``sleep 30``, ``sleep 2m``."""
    if len(words) < 2:
        raise UsageError("missing operand; write for example sleep 30")
    seconds = 0.0
    for word in words[1:]:
        found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([smhd]?)", word)
        if found is None:
            raise UsageError(f"invalid time interval '{word}'")
        seconds += float(found[1]) * _UNITS[found[2]]
    if seconds > _TEN_YEARS:
        raise UsageError("more than ten years is too long, even for a virtual clock")
    session.network.wait(seconds)
    return Output()


@register_command("date")
def date(session: Session, words: Sequence[str]) -> Output:
    """The machine's clock; ``+%s`` and other codes of numbers say how."""
    now = session.machine.now
    _, rest = read_switches(words[1:], (Switch("u", "utc"),))
    if not rest:
        return Output(f"{now.ctime()[:20]}UTC {now.year}\n")
    form = rest[0]
    if len(rest) > 1 or not form.startswith("+"):
        raise UsageError(f"invalid date '{rest[-1]}'; the clock here moves by sleep alone")
    codes = {"s": str(int(now.timestamp())), "F": f"{now:%Y-%m-%d}", "T": f"{now:%H:%M:%S}"}
    text = _CODES.sub(lambda found: codes.get(found[1]) or now.strftime(found[0]), form[1:])
    return Output(f"{text}\n")


@register_command("hostname")
def hostname(session: Session, words: Sequence[str]) -> Output:
    """The machine's name, without a pod's namespace; it cannot be changed."""
    if len(words) > 1:
        raise UsageError("you must not change the host name, it stands in the lab's plan")
    return Output(f"{_name(session)}\n")


@register_command("whoami")
def whoami(session: Session, words: Sequence[str]) -> Output:
    """Whose session it is: root's."""
    return Output("root\n")


@register_command("id")
def id_(session: Session, words: Sequence[str]) -> Output:
    """The same in numbers."""
    return Output("uid=0(root) gid=0(root) groups=0(root)\n")


@register_command("uname")
def uname(session: Session, words: Sequence[str]) -> Output:
    """The kernel's name; ``-n``, ``-r``, ``-m`` and ``-a`` say more."""
    known = {"s": "Linux", "n": _name(session), "r": RELEASE, "m": "x86_64"}
    names = {"s": "kernel-name", "n": "nodename", "r": "kernel-release", "m": "machine"}
    switches = (*(Switch(*one) for one in names.items()), Switch("a", "all"))
    given, _ = read_switches(words[1:], switches)
    asked = [said for letter, said in known.items() if "a" in given or letter in (given or "s")]
    return Output(f"{' '.join(asked)}\n")


def _name(session: Session) -> str:
    return session.host.rpartition("/")[2]
