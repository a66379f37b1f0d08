"""The ``iptlab`` command, which Ctrl-C ends without a traceback, also while it is being loaded."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command; 130 is a shell's word for what was interrupted."""
    try:
        # loading takes a moment, in which somebody may change their mind
        from iptlab.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
