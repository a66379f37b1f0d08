"""The commands, one file for each family of them; importing this registers all."""

from iptlab.console.commands import iptables, text

__all__ = ["iptables", "text"]
