"""How a command breaks off: with what it prints instead, and the status it ends with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

from iptlab.console.command import Command, Output, Session
from iptlab.errors import IptlabError


class ComplaintError(IptlabError):
    """A command does not do what it was told; the text is what the real one would print."""

    def __init__(self, text: str, status: int = 1, *, stdout: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.stdout = stdout


class NotModelledError(ComplaintError):
    """The real command could do it and this one cannot: what, and what to type instead."""

    def __init__(self, command: str, what: str, instead: str = "") -> None:
        cure = f" {instead}" if instead else ""
        super().__init__(f"{command}: {what} is not modelled here.{cure}", 1)


def complaining(command: Callable[[Session, Sequence[str]], Output]) -> Command:
    """Make a command that may break off with a ComplaintError one that always ends in Output."""

    @wraps(command)
    def run(session: Session, words: Sequence[str]) -> Output:
        try:
            return command(session, words)
        except ComplaintError as error:
            return Output(error.stdout, f"{error.text}\n" if error.text else "", error.status)

    return run
