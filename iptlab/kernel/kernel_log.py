"""The lines that LOG rules write to the kernel's log."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator

from iptlab.kernel.machine import STEP_SECONDS, UnavailableError


class KernelLog:
    """The lines that LOG rules write, on machines where we may read and allow them.

    Only the machine's own network namespace may log, unless one switch allows all of
    them: it is ours while we hold its lock, and afterwards as it was.
    """

    _SWITCH = "/proc/sys/net/netfilter/nf_log_all_netns"

    def __init__(self) -> None:
        try:
            self._log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
            self._switch = os.open(self._SWITCH, os.O_RDWR)
        except OSError as error:
            reason = f"LOG lines cannot be read: {error.filename}: {error.strerror}"
            raise UnavailableError(reason) from None
        self._wait_for_our_turn()
        self._before = os.pread(self._switch, 8, 0)
        os.pwrite(self._switch, b"1", 0)
        os.lseek(self._log, 0, os.SEEK_END)

    def _wait_for_our_turn(self) -> None:
        deadline = time.monotonic() + STEP_SECONDS / 2
        while True:
            try:
                fcntl.flock(self._switch, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UnavailableError("another process has the kernel's log now") from None
                time.sleep(0.05)
            else:
                return

    def lines(self) -> Iterator[str]:
        """What LOG rules wrote since the last call."""
        while True:
            try:
                record = os.read(self._log, 8192).decode(errors="replace")
            except BlockingIOError:
                return
            except BrokenPipeError:
                continue  # old records were overwritten meanwhile
            text = record.partition(";")[2].partition("\n")[0]
            if "IN=" in text and "OUT=" in text:
                yield text.rstrip()

    def close(self) -> None:
        """Set the switch back to what it was."""
        os.pwrite(self._switch, self._before, 0)
        os.close(self._switch)
        os.close(self._log)
