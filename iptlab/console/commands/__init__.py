"""The commands, one file for each family of them; importing this registers all."""

from iptlab.console.commands import awk, grep, ipset, iptables, system, text

__all__ = ["awk", "grep", "ipset", "iptables", "system", "text"]
