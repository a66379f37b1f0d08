"""The commands, one file for each family of them; importing this registers all."""

from iptlab.console.commands import awk as awk
from iptlab.console.commands import conntrack as conntrack
from iptlab.console.commands import curl as curl
from iptlab.console.commands import dig as dig
from iptlab.console.commands import dmesg as dmesg
from iptlab.console.commands import elsewhere as elsewhere
from iptlab.console.commands import grep as grep
from iptlab.console.commands import ip as ip
from iptlab.console.commands import ipset as ipset
from iptlab.console.commands import iptables as iptables
from iptlab.console.commands import kubectl as kubectl
from iptlab.console.commands import modules as modules
from iptlab.console.commands import nc as nc
from iptlab.console.commands import ping as ping
from iptlab.console.commands import ss as ss
from iptlab.console.commands import sysctl as sysctl
from iptlab.console.commands import system as system
from iptlab.console.commands import text as text
