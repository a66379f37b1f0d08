"""``lsmod``, ``modprobe``, ``rmmod`` and ``modinfo``: the kernel's loadable modules.

Simplified: modules are only listed. What a rule needs is there whether or not it is loaded;
using a table loads its module, using a match or a target loads none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from getopt import GetoptError, getopt

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.console.kernel_modules import RELEASE, loaded_with, modules

_DIRECTORY = f"/lib/modules/{RELEASE}"


def load_module(session: Session, name: str) -> bool:
    """Load a module with all that it needs; whether there is one of that name."""
    if name not in modules():
        return False
    there = session.box.modules
    there += [one for one in loaded_with(name) if one not in there]
    return True


def _holders(session: Session, name: str) -> list[str]:
    """The loaded modules that need a module, the newest first."""
    known = modules()
    loaded = reversed(session.box.modules)
    return [one for one in loaded if one in known and name in known[one].needs]


@register_command("lsmod")
def lsmod(session: Session, words: Sequence[str]) -> Output:
    """List the loaded modules, the newest first, and who needs them."""
    if len(words) > 1:
        return Output(stderr="Usage: lsmod\n", status=1)
    lines = ["Module                  Size  Used by"]
    for name in reversed(session.box.modules):
        size = modules()[name].size if name in modules() else 16384
        holders = _holders(session, name)
        lines.append(f"{name:<19} {size:>8}  {len(holders)} {','.join(holders)}".rstrip())
    return Output("".join(f"{line}\n" for line in lines))


_LONG = ["remove", "all", "quiet", "dry-run", "show", "verbose", "use-blacklist", "first-time"]


@register_command("modprobe")
@complaining
def modprobe(session: Session, words: Sequence[str]) -> Output:
    """Load a module and what it needs; with ``-r`` unload it and what is no longer needed."""
    try:
        given, names = getopt(list(words[1:]), "raqnvb", _LONG)
    except GetoptError as error:
        raise NotModelledError("modprobe", f"the option {error.opt}") from None
    options = {name.lstrip("-")[0] for name, _ in given}
    if not names:
        raise ComplaintError("modprobe: ERROR: missing parameters. See -h.")
    # without -a and -r only the first word is a module, the others are its parameters
    wanted = names if options & {"a", "r"} else names[:1]
    for name in (_spelled(name) for name in wanted):
        if name not in modules():
            where = "" if "r" in options else f" in directory {_DIRECTORY}"
            said = "" if "q" in options else f"modprobe: FATAL: Module {name} not found{where}"
            raise ComplaintError(said + "." * bool(said and "r" in options))
        if "n" in options:
            continue
        if "r" in options:
            _unload(session, name)
        else:
            load_module(session, name)
    return Output()


def _spelled(name: str) -> str:
    """In a module's name ``-`` is as good as ``_``."""
    return name.replace("-", "_")


def _unload(session: Session, name: str) -> None:
    there = session.box.modules
    if name not in there:
        return
    if _holders(session, name):
        raise ComplaintError(f"modprobe: FATAL: Module {name} is in use.")
    for one in reversed(loaded_with(name)):
        if one in there and not _holders(session, one):
            there.remove(one)


@register_command("rmmod")
@complaining
def rmmod(session: Session, words: Sequence[str]) -> Output:
    """Unload modules, and nothing else."""
    names = [_spelled(word) for word in words[1:]]
    if not names:
        raise ComplaintError("rmmod: ERROR: missing module name.")
    if names[0].startswith("_"):
        raise NotModelledError("rmmod", f"the option {words[1]}")
    for name in names:
        if name not in session.box.modules:
            raise ComplaintError(f"rmmod: ERROR: Module {name} is not currently loaded")
        if holders := _holders(session, name):
            users = " ".join(holders)
            raise ComplaintError(f"rmmod: ERROR: Module {name} is in use by: {users}")
        session.box.modules.remove(name)
    return Output()


@register_command("modinfo")
@complaining
def modinfo(session: Session, words: Sequence[str]) -> Output:
    """Say of modules what they need, and for which kernel they are."""
    names = words[1:]
    if not names or names[0].startswith("-"):
        raise NotModelledError("modinfo", "more than a module's name", "Write: modinfo xt_mark")
    return Output("".join(_described(map(_spelled, names))))


def _described(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        if name not in modules():
            raise ComplaintError(f"modinfo: ERROR: Module {name} not found.")
        yield f"depends:        {','.join(modules()[name].needs)}\n"
        yield f"name:           {name}\n"
        yield f"vermagic:       {RELEASE} SMP preempt mod_unload modversions \n"
