"""A machine of our own inside the real kernel: a throwaway network namespace.

A child process owns the namespace. It ends when its input ends -- closed by us, or by the
system when we die -- and nothing of the namespace outlives it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self

from iptlab.errors import KernelUnavailable

_CURE = (
    "It needs Linux, network namespaces (root, or user namespaces that the system allows: sysctl "
    "user.max_user_namespaces above 0, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0, "
    "a container as --privileged), /dev/net/tun, and the tools iptables, ipset, nft and ip: "
    "apt install iptables ipset nftables iproute2"
)
_SECONDS = 30


class Namespace:
    """A box in the real kernel, made from a description such as ``topologies.json`` holds.

    Use it in a ``with`` statement. ``log=True`` also reads the lines of LOG rules, for
    which the machine's own kernel log must be readable and writable.
    """

    def __init__(
        self,
        machine: dict[str, Any],
        family: int = 4,
        *,
        backend: str = "legacy",
        sysctl: dict[str, Any] | None = None,
        log: bool = False,
    ) -> None:
        self.family, self.backend = family, backend
        if sys.platform != "linux":
            raise KernelUnavailable(f"this is {sys.platform}, not Linux", _CURE)
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "iptlab.kernel.inside"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            raise KernelUnavailable(f"no process can be started: {error}", _CURE) from None
        wish = {"machine": machine, "family": family, "backend": backend, "log": log}
        wish |= {"sysctl": machine.get("sysctl", {}) | (sysctl or {})}
        try:
            ours = os.stat("/proc/self/ns/net").st_ino
            self.number: int = self.ask("enter", namespace=ours, **wish)
        except BaseException:
            self.close()
            raise

    def ask(self, what: str, **words: object) -> Any:
        """The child's answer to one request."""
        assert self._child.stdin is not None
        line = json.dumps({"do": what} | words) + "\n"
        try:
            self._child.stdin.write(line.encode())
            self._child.stdin.flush()
            reply = json.loads(self._line())
        except BrokenPipeError:
            raise KernelUnavailable("the process in the namespace ended", _CURE) from None
        if "error" in reply:
            raise KernelUnavailable(reply["error"], _CURE)
        return reply["ok"]

    def _line(self) -> bytes:
        """One line of the child's output, waited for at most ``_SECONDS``."""
        assert self._child.stdout is not None
        pieces: list[bytes] = []
        deadline = time.monotonic() + _SECONDS
        while not (pieces and pieces[-1].endswith(b"\n")):
            left = deadline - time.monotonic()
            ready = select.select([self._child.stdout], [], [], max(left, 0))[0]
            if not ready:
                raise KernelUnavailable(f"no answer within {_SECONDS} s", _CURE)
            pieces.append(os.read(self._child.stdout.fileno(), 1 << 20))
            if not pieces[-1]:
                raise BrokenPipeError
        return b"".join(pieces)

    def close(self) -> None:
        """End the child and with it the namespace."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
