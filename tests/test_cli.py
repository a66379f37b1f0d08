"""The ``iptlab`` command: answers, exit status, complaints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from iptlab import __main__
from iptlab.cli import main

COMMAND = [sys.executable, "-m", "iptlab"]
RULES = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """A file with a small rule set."""
    file = tmp_path / "my.rules"
    file.write_text(RULES)
    return str(file)


def test_trace_says_yes_no_or_error(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", rules, "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN"]) == 0
    assert "ACCEPT by filter INPUT 1" in capsys.readouterr().out
    assert main(["trace", rules, "udp", "10.0.0.9:4000", "->", "10.0.0.1:22"]) == 1
    assert "DROP by filter INPUT policy" in capsys.readouterr().out
    assert main(["trace", rules, "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("iptlab: `nonsense' is not a packet")


def test_trace_prints_json(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--json", rules, "in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN"]) == 0
    assert json.loads(capsys.readouterr().out)["decided_by"] == "filter INPUT 1"


class Interrupted(ModuleType):
    """A module while which is loaded somebody presses Ctrl-C."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_an_interruption_while_it_is_loaded_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "iptlab.cli", Interrupted("iptlab.cli"))
    assert __main__.main() == 130


def test_a_hook_can_be_named(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--hook", "OUTPUT", rules, "tcp 10.0.0.9:4000 -> 10.0.0.1:22"]) == 0
    assert "filter OUTPUT policy" in capsys.readouterr().out


def test_explain_says_every_rule_and_what_looks_odd(
    rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", rules]) == 0
    assert "1. A packet that is tcp and goes to port 22 is accepted" in capsys.readouterr().out
    odd = tmp_path / "odd.rules"
    odd.write_text(
        RULES.replace("-p tcp -m tcp --dport 22 -j ACCEPT", "-j DROP\n-A INPUT -p tcp -j DROP")
    )
    assert main(["explain", str(odd)]) == 1
    assert "rule 2 is never reached: rule 1 takes all its packets" in capsys.readouterr().out
    assert main(["explain", "--json", str(odd)]) == 1
    assert json.loads(capsys.readouterr().out)["remarks"][0]["rules"] == [1, 2]


def test_explain_tells_what_iptables_refuses_as_far_as_it_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tmp_path / "found.rules"
    found.write_text("My firewall:\n" + RULES.replace("--dport 22", "--dport 22 -s myhost"))
    assert main(["explain", str(found)]) == 2
    told = capsys.readouterr()
    assert "goes to port 22" in told.out
    assert "-s myhost" in told.out
    assert "line 1, `My firewall:': it is no line of a dump, so it was left out" in told.out
    assert told.err.startswith("iptlab: line 1")
    assert main(["explain", "--json", str(found)]) == 2
    assert [note["line"] for note in json.loads(capsys.readouterr().out)["notes"]] == [1]
    found.write_text("nothing at all\n")
    assert main(["explain", str(found)]) == 2
    assert capsys.readouterr() == ("", FOUND_NOTHING)


FOUND_NOTHING = """\
iptlab: line 1: there are no rules in this text
    nothing at all
A dump begins with a line such as *filter and ends with COMMIT.
"""


@pytest.mark.parametrize(
    "words",
    [[], ["frob"], ["trace"], ["trace", "x"], ["explain", "--frob"], ["lab", "--port", "x"]],
)
def test_a_command_that_cannot_be_read_ends_with_two(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "Try `iptlab" in capsys.readouterr().err


def test_errors_go_to_stderr_without_a_traceback(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(RULES.replace("22", "70000"))
    for path in (tmp_path, tmp_path / "none", broken):
        run = subprocess.run(
            [*COMMAND, "trace", str(path), "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN"],
            capture_output=True,
            text=True,
        )
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr.startswith("iptlab: ")
        assert "Traceback" not in run.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_read_permission_is_named(
    rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.chmod(rules, 0)
    assert main(["explain", rules]) == 2
    assert "you may not read" in capsys.readouterr().err


def test_rules_may_come_from_standard_input() -> None:
    run = subprocess.run(
        [*COMMAND, "trace", "-", "tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN"],
        input=RULES,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0
    assert "ACCEPT" in run.stdout


CLUSTER = """\
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{port: 80, nodePort: 30080}]}
---
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.244.1.5], nodeName: node-a}]
---
kind: Node
metadata: {name: node-a}
spec: {podCIDRs: [10.244.1.0/24]}
---
kind: Node
metadata: {name: node-b}
spec: {podCIDRs: [10.244.2.0/24]}
---
kind: Pod
metadata: {name: web-1, namespace: shop}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> str:
    """A file with a small cluster."""
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER)
    return str(file)


def test_kube_proxy_prints_the_restore_text_and_says_what_it_did_not_use(
    cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kube-proxy", cluster]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("*filter\n:KUBE-SERVICES - [0:0]\n")
    assert "-j DNAT --to-destination 10.244.1.5:8080\n" in told.out
    assert told.err == "iptlab: 1 Pod not used: kube-proxy does not read this kind\n"


def test_kube_proxy_prints_what_iptables_save_would(
    cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kube-proxy", "--save", cluster]) == 0
    told = capsys.readouterr().out
    assert "-A PREROUTING -m comment --comment" in told
    assert "-d 10.96.0.1/32 -p tcp -m comment" in told


def test_kube_proxy_explains_each_rule(cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kube-proxy", "--explain", cluster]) == 0
    assert "Connections to shop/web are translated to 10.244.1.5:8080." in capsys.readouterr().out


def test_kube_proxy_takes_a_node_a_configuration_and_a_family(
    cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("kind: KubeProxyConfiguration\ndetectLocalMode: NodeCIDR\n")
    assert main(["kube-proxy", cluster, "--config", str(config), "--node", "node-b"]) == 0
    assert "! -s 10.244.2.0/24" in capsys.readouterr().out
    assert main(["kube-proxy", cluster, "--family", "6"]) == 0
    assert "shop/web" not in capsys.readouterr().out
    assert main(["kube-proxy", cluster, "--node", "node-c"]) == 2
    assert "there is no Node `node-c'" in capsys.readouterr().err


def test_kube_proxy_without_nodes_runs_on_the_first_that_has_an_endpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cluster.yaml"
    local = CLUSTER.partition("---\nkind: Node")[0].replace(
        "clusterIP:", "internalTrafficPolicy: Local, clusterIP:"
    )
    file.write_text(local)
    assert main(["kube-proxy", str(file)]) == 0
    assert "-j KUBE-SVL-" in capsys.readouterr().out
    assert main(["kube-proxy", str(file), "--node", "node-b"]) == 0
    assert "shop/web has no local endpoints" in capsys.readouterr().out


def test_kube_proxy_says_which_kubernetes_it_plays(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["kube-proxy", "--help"])
    assert "kube-proxy 1.36 (iptables mode)" in capsys.readouterr().out


def test_kube_proxy_says_so_if_there_is_no_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("")
    assert main(["kube-proxy", str(file)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("*filter\n")
    assert told.err == "iptlab: there is no Service; these rules are there always\n"


def test_kube_proxy_reads_standard_input_and_refuses_like_the_others(tmp_path: Path) -> None:
    run = subprocess.run(
        [*COMMAND, "kube-proxy", "-"], input=CLUSTER, capture_output=True, text=True
    )
    assert run.returncode == 0
    assert "KUBE-SVC-" in run.stdout
    broken = tmp_path / "broken.yaml"
    broken.write_text(CLUSTER.replace("port: 80,", 'port: "80",'))
    for path in (broken, tmp_path, tmp_path / "none"):
        run = subprocess.run([*COMMAND, "kube-proxy", str(path)], capture_output=True, text=True)
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr.startswith("iptlab: ")
        assert "Traceback" not in run.stderr
