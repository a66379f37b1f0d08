"""``sysctl``: the kernel's switches, by name or as files below ``/proc/sys/net``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from getopt import GetoptError, gnu_getopt

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, complaining
from iptlab.simulate.host import SYSCTLS, Host

_ROOT = "/proc/sys/net/"
# What can be read and not changed here, as the simulator goes by it.
# kernel: Documentation/networking/nf_conntrack-sysctl.rst, ip-sysctl.rst
_FIXED = {
    "ipv4/tcp_syn_linear_timeouts": 4,
    "ipv4/tcp_syn_retries": 6,
    "netfilter/nf_conntrack_acct": 0,
    "netfilter/nf_conntrack_buckets": 262144,
    "netfilter/nf_conntrack_generic_timeout": 600,
    "netfilter/nf_conntrack_gre_timeout": 30,
    "netfilter/nf_conntrack_gre_timeout_stream": 180,
    "netfilter/nf_conntrack_icmp_timeout": 30,
    "netfilter/nf_conntrack_icmpv6_timeout": 30,
    "netfilter/nf_conntrack_max": 262144,
    "netfilter/nf_conntrack_tcp_timeout_close": 10,
    "netfilter/nf_conntrack_tcp_timeout_close_wait": 60,
    "netfilter/nf_conntrack_tcp_timeout_established": 432000,
    "netfilter/nf_conntrack_tcp_timeout_fin_wait": 120,
    "netfilter/nf_conntrack_tcp_timeout_last_ack": 30,
    "netfilter/nf_conntrack_tcp_timeout_syn_recv": 60,
    "netfilter/nf_conntrack_tcp_timeout_syn_sent": 120,
    "netfilter/nf_conntrack_tcp_timeout_time_wait": 120,
    "netfilter/nf_conntrack_tcp_timeout_unacknowledged": 300,
    "netfilter/nf_conntrack_udp_timeout": 30,
    "netfilter/nf_conntrack_udp_timeout_stream": 120,
}
_COUNT = "netfilter/nf_conntrack_count"
# what a switch may be, where not every number will do; kernel: net/ipv4/sysctl_net_ipv4.c
_RANGES = {
    "ipv4/ip_default_ttl": (1, 255),
    "ipv4/icmp_echo_ignore_all": (0, 1),
    "netfilter/nf_conntrack_tcp_loose": (0, 1),
    "netfilter/nf_conntrack_tcp_be_liberal": (0, 1),
    "netfilter/nf_conntrack_checksum": (0, 1),
}
_MOST = 2**31

_NO_FILE = "No such file or directory"
_INVALID = "Invalid argument"
_FIXED_HERE = "another value is not modelled here"
_OPTIONS = "aAXbeNnp::fr:qwox"
_LONG = ["all", "binary", "ignore", "names", "values", "load=", "pattern=", "quiet", "write"]
_USAGE = """
Usage:
 sysctl [options] [variable[=value] ...]

Options here:
  -a, --all            display all variables
  -e, --ignore         ignore unknown variables errors
  -N, --names          print variable names without values
  -n, --values         print only values of the given variable(s)
  -p, --load[=<file>]  read values from file
  -r, --pattern <expression>
                       select setting that match expression
  -q, --quiet          do not echo variable set
  -w, --write          enable writing a value to variable

For more details see sysctl(8)."""


# --- the switches as files ---


def read_proc(session: Session, path: str) -> str | None:
    """What ``cat`` prints of a file below ``/proc/sys/net``; None if there is no such file."""
    value = _values(session).get(path.removeprefix(_ROOT)) if path.startswith(_ROOT) else None
    return None if value is None else f"{value}\n"


def write_proc(session: Session, path: str, text: str) -> str:
    """Write to a file below ``/proc/sys/net``, as ``echo 1 >`` does; empty if that went well.

    Else it says why not, as the kernel does: ``Invalid argument``, ``No such file or directory``.
    """
    name = path.removeprefix(_ROOT)
    if not path.startswith(_ROOT) or name not in _values(session):
        return _NO_FILE
    number = _number(name, text)
    if number is None or name == _COUNT:
        return _INVALID
    if name in _FIXED:
        return _FIXED_HERE
    host = session.machine.host
    session.machine.configure(replace(host, sysctls={**host.sysctls, name: number}))
    return ""


def _values(session: Session) -> Mapping[str, int]:
    """Every switch of the machine by its path below ``/proc/sys/net``, in the order of names."""
    host = session.machine.host
    values = {path: host.sysctls.get(path, usual) for path, usual in _usual(host)}
    values |= _FIXED | {_COUNT: len(session.machine.connections())}
    return dict(sorted(values.items()))


def _usual(host: Host) -> Iterator[tuple[str, int]]:
    for path, usual in SYSCTLS.items():
        names = ("all", "default", *host.by_name) if "{}" in path else ("",)
        yield from ((path.format(name), usual) for name in names)


def _number(name: str, text: str) -> int | None:
    """The number that the kernel reads; None if it takes the text for none or refuses it."""
    found = re.match(r"\s*(-?(?:0[xX][0-9a-fA-F]+|\d+))(?=\s|\Z)", text)
    if found is None:
        return None
    number = int(found[1], 16 if "x" in found[1].lower() else 10)
    least, most = _RANGES.get(name, (-_MOST, _MOST - 1))
    return number if least <= number <= most else None


# --- the command ---


@register_command("sysctl")
@complaining
def sysctl(session: Session, words: Sequence[str]) -> Output:
    """Print switches, or set them: ``sysctl -w net.ipv4.ip_forward=1``."""
    try:
        given, names = gnu_getopt(_reordered(words[1:]), _OPTIONS, _LONG)
    except GetoptError as error:
        raise ComplaintError(f"sysctl: {error.msg}\n{_USAGE}") from None
    options = {name.lstrip("-")[0].replace("l", "p"): value for name, value in given}
    asked = Sysctl(session, options)
    if "p" in options:
        return asked.load(names[0] if names else options["p"] or "/etc/sysctl.conf")
    if options.keys() & set("aAX") or (not names and "r" in options):
        return asked.all()
    if not names:
        nothing = "sysctl: no variables specified\nTry `sysctl --help' for more information."
        raise ComplaintError(nothing if options else _USAGE)
    return asked.each(names)


def _reordered(words: Sequence[str]) -> list[str]:
    """``-p`` may stand alone, which getopt(3) can say and Python's cannot."""
    return ["--load=" if word == "-p" else word for word in words]


class Sysctl:
    """One call of the command: what was asked for, and what it has printed by now."""

    def __init__(self, session: Session, options: Mapping[str, str]) -> None:
        self.session = session
        self.options = options
        self.out: list[str] = []
        self.errors: list[str] = []

    def each(self, names: Iterable[str]) -> Output:
        """Print or set each of them in turn."""
        for name in names:
            if "=" in name:
                key, _, value = name.partition("=")
                self._set(key.strip(), value.strip())
            elif "w" in self.options:
                self.errors.append("sysctl: command line(0): invalid syntax, continuing...")
            else:
                self._print(name)
        return self._output()

    def all(self) -> Output:
        """Print all that fit the pattern."""
        try:
            wanted = re.compile(self.options.get("r", ""))
        except re.error as error:
            raise ComplaintError(f"sysctl: {self.options['r']}: {error}") from None
        for path in _values(self.session):
            if wanted.search(f"net.{_dotted(path)}"):
                self._show(path)
        return self._output()

    def load(self, file: str) -> Output:
        """Set what a file says, a line each."""
        text = self.session.box.files.get(file)
        if text is None:
            raise ComplaintError(f'sysctl: cannot open "{file}": {_NO_FILE}')
        for number, line in enumerate(text.splitlines(), start=1):
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if "=" not in line:
                self.errors.append(f"sysctl: {file}({number}): invalid syntax, continuing...")
                continue
            key, _, value = line.lstrip("-").partition("=")
            self._set(key.strip(), value.strip())
        return self._output()

    def _set(self, key: str, value: str) -> None:
        path = _path(key)
        wrong = write_proc(self.session, _ROOT + path.removeprefix("net/"), value)
        if wrong == _NO_FILE:
            self._missing(path)
        elif wrong:
            self.errors.append(f'sysctl: setting key "{_dotted(path)}": {wrong}')
        elif "q" not in self.options:
            self._show(path.removeprefix("net/"), value)

    def _print(self, name: str) -> None:
        path = _path(name).removeprefix("net/")
        values = _values(self.session)
        found = [one for one in values if one == path or one.startswith(f"{path.rstrip('/')}/")]
        for one in found:
            self._show(one)
        if not found:
            self._missing(_path(name))

    def _missing(self, path: str) -> None:
        if "e" not in self.options:
            self.errors.append(f"sysctl: cannot stat /proc/sys/{path}: {_NO_FILE}")

    def _show(self, path: str, value: str = "") -> None:
        value = value or str(_values(self.session)[path])
        if self.options.keys() & set("nb"):
            self.out.append(value + ("\n" if "b" not in self.options else ""))
        elif "N" in self.options:
            self.out.append(f"net.{_dotted(path)}\n")
        else:
            self.out.append(f"net.{_dotted(path)} = {value}\n")

    def _output(self) -> Output:
        errors = "".join(f"{line}\n" for line in self.errors)
        return Output("".join(self.out), errors, 1 if self.errors else 0)


_SWAPPED = str.maketrans("./", "/.")


def _path(name: str) -> str:
    """The path of a name: whichever of ``.`` and ``/`` comes first separates its parts."""
    first = next((letter for letter in name if letter in "./"), "/")
    return name if first == "/" else name.translate(_SWAPPED)


def _dotted(path: str) -> str:
    return path.translate(_SWAPPED)
