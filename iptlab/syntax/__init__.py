"""Text to rules and back: what iptables, iptables-save and iptables-restore read and write."""
