"""``sysctl``: the kernel's switches, by name or as files below ``/proc/sys/net``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from getopt import GetoptError, gnu_getopt

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, complaining
from iptlab.console.switches import NO_FILE, ROOT, switches, write_proc

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
        for path in switches(self.session):
            if wanted.search(f"net.{_dotted(path)}"):
                self._show(path)
        return self._output()

    def load(self, file: str) -> Output:
        """Set what a file says, a line each."""
        text = self.session.box.files.get(file)
        if text is None:
            raise ComplaintError(f'sysctl: cannot open "{file}": {NO_FILE}')
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
        wrong = write_proc(self.session, ROOT + path.removeprefix("net/"), value)
        if wrong == NO_FILE:
            self._missing(path)
        elif wrong:
            self.errors.append(f'sysctl: setting key "{_dotted(path)}": {wrong}')
        elif "q" not in self.options:
            self._show(path.removeprefix("net/"), value)

    def _print(self, name: str) -> None:
        path = _path(name).removeprefix("net/")
        values = switches(self.session)
        found = [one for one in values if one == path or one.startswith(f"{path.rstrip('/')}/")]
        for one in found:
            self._show(one)
        if not found:
            self._missing(_path(name))

    def _missing(self, path: str) -> None:
        if "e" not in self.options:
            self.errors.append(f"sysctl: cannot stat /proc/sys/{path}: {NO_FILE}")

    def _show(self, path: str, value: str = "") -> None:
        value = value or str(switches(self.session)[path])
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
