"""kubectl on a virtual cluster: what it prints, what it refuses, and what the nodes make of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iptlab import Lab
from iptlab.console.command import Box, Session
from iptlab.console.commands.kubectl import kubectl as machine_kubectl
from iptlab.errors import FileError, IptlabError
from iptlab.kubernetes.api.control_plane import ControlPlane
from iptlab.kubernetes.api.kinds import POD, SLICE
from iptlab.kubernetes.api.kubelet import Ran
from iptlab.kubernetes.config import Config
from iptlab.kubernetes.documents import read_documents
from iptlab.kubernetes.kube_proxy import Proxy
from iptlab.kubernetes.kubectl.commands import kubectl
from iptlab.kubernetes.kubectl.request import Answer
from iptlab.kubernetes.kubectl.yaml_text import to_yaml
from iptlab.kubernetes.loading import load
from iptlab.notebook.kubectl_magic import kubectl as magic
from iptlab.notebook.kubectl_magic import run_cell
from iptlab.packet import Family
from iptlab.simulate.network import Result

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example/web:1
        command: [sh, -c, "touch /tmp/ready; exec /web"]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {exec: {command: [cat, /tmp/ready]}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
"""
SHOP = f"{DEPLOYMENT}---\n{SERVICE}"

REFUSED_BY_NODE = str(Result.REFUSED)

Kubectl = Callable[..., str]


def shell(plane: ControlPlane) -> Kubectl:
    """Type kubectl commands; an error is printed, and ends with the status."""

    def run(line: str, stdin: str = "") -> str:
        answer = kubectl(plane, shlex.split(line), stdin)
        return answer.stdout + answer.stderr + f"[{answer.status}]" * bool(answer.status)

    return run


@pytest.fixture
def plane() -> ControlPlane:
    return ControlPlane.usual()


@pytest.fixture
def shop(plane: ControlPlane) -> ControlPlane:
    """The usual cluster with a Deployment of three pods and its Service."""
    assert not kubectl(plane, ["apply", "-f", "-"], SHOP).status
    return plane


def pods(plane: ControlPlane) -> list[str]:
    """The names of the pods, in the order of their addresses."""
    found = sorted(plane.store.list(POD), key=lambda one: str(one.status.get("podIP")))
    return [one.name for one in found]


def answering(plane: ControlPlane, to: str = "default/web", client: str = "node1") -> set[str]:
    """Who may answer a client, or what comes instead."""
    return {one.pod or str(one.result) for one in plane.cluster.backends(client, to)}


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


# --- a shop grows ---


def test_a_deployment_and_its_service_are_made_and_made_only_once(plane: ControlPlane) -> None:
    run = shell(plane)
    assert run("apply -f -", SHOP) == "deployment.apps/web created\nservice/web created\n"
    assert run("apply -f -", SHOP) == "deployment.apps/web unchanged\nservice/web unchanged\n"
    more = SHOP.replace("replicas: 3", "replicas: 4")
    assert run("apply -f -", more) == "deployment.apps/web configured\nservice/web unchanged\n"
    assert len(pods(plane)) == 4


def test_services_are_listed_as_kubectl_does(shop: ControlPlane) -> None:
    run = shell(shop)
    run('patch svc web -p \'{"spec": {"type": "NodePort"}}\'')
    assert run("get svc -o wide") == (
        "NAME         TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)        AGE   SELECTOR\n"
        "kubernetes   ClusterIP   10.96.0.1    <none>        443/TCP        0s    <none>\n"
        "web          NodePort    10.96.1.1    <none>        80:30086/TCP   0s    app=web\n"
    )


def test_pods_are_spread_over_the_nodes_and_listed_with_their_addresses(shop: ControlPlane) -> None:
    header, *rows = lines(shell(shop)("get pods -o wide"))
    assert header[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert sorted(row[1:7] for row in rows) == [
        ["1/1", "Running", "0", "0s", "10.244.1.2", "node1"],
        ["1/1", "Running", "0", "0s", "10.244.2.2", "node2"],
        ["1/1", "Running", "0", "0s", "10.244.3.2", "node3"],
    ]


def test_all_means_pods_services_deployments_and_replica_sets(shop: ControlPlane) -> None:
    names = [row[0] for row in lines(shell(shop)("get all")) if row]
    kinds = [name.partition("/")[0] for name in names if name != "NAME"]
    assert kinds == [*["pod"] * 3, *["service"] * 2, "deployment.apps", "replicaset.apps"]


def test_a_service_is_described_in_kubectls_columns(shop: ControlPlane) -> None:
    run = shell(shop)
    run('patch svc web -p \'{"spec": {"type": "LoadBalancer"}}\'')
    assert run("describe service web") == (
        "Name:                     web\n"
        "Namespace:                default\n"
        "Labels:                   app=web\n"
        "Annotations:              <none>\n"
        "Selector:                 app=web\n"
        "Type:                     LoadBalancer\n"
        "IP Family Policy:         SingleStack\n"
        "IP Families:              IPv4\n"
        "IP:                       10.96.1.1\n"
        "IPs:                      10.96.1.1\n"
        "LoadBalancer Ingress:     192.0.2.10 (VIP)\n"
        "Port:                     http  80/TCP\n"
        "TargetPort:               http/TCP\n"
        "NodePort:                 http  30086/TCP\n"
        "Endpoints:                10.244.1.2:8080,10.244.2.2:8080,10.244.3.2:8080\n"
        "Session Affinity:         None\n"
        "External Traffic Policy:  Cluster\n"
        "Internal Traffic Policy:  Cluster\n"
        "Events:                   <none>\n"
    )


def test_every_kind_can_be_described_and_printed(shop: ControlPlane) -> None:
    run = shell(shop)
    for kind in ("nodes", "pods", "svc", "ep", "endpointslices", "deploy", "rs", "ns"):
        assert run(f"describe {kind}").startswith("Name:")
        for form in ("", "-o wide", "-o name", "--show-labels", "-o json"):
            assert "[" not in run(f"get {kind} {form}").splitlines()[-1]
        printed = run(f"get {kind} -A -o yaml").partition("Warning")[0]
        assert next(iter(read_documents(printed))).content == json.loads(
            run(f"get {kind} -A -o json").partition("Warning")[0]
        )


def test_a_service_reaches_all_of_its_pods(shop: ControlPlane) -> None:
    names = {f"default/{name}" for name in pods(shop)}
    assert answering(shop) == names
    attempt = shop.cluster.connect("node2", "default/web:http")
    assert attempt.result is Result.CONNECTED
    assert attempt.listener in names


def test_scaling_down_lets_pods_end_in_their_own_time(shop: ControlPlane) -> None:
    run = shell(shop)
    assert run("scale deployment/web --replicas=1") == "deployment.apps/web scaled\n"
    states = sorted(row[2] for row in lines(run("get pods"))[1:])
    assert states == ["Running", "Terminating", "Terminating"]
    assert len(answering(shop)) == 1
    shop.wait(30)
    assert len(pods(shop)) == 1
    run("scale deployment/web --replicas=5")
    assert len(answering(shop)) == 5


def test_a_pod_whose_probe_fails_three_times_gets_no_connections(shop: ControlPlane) -> None:
    run, (sick, *others) = shell(shop), pods(shop)
    run(f"exec {sick} -- rm /tmp/ready")
    shop.wait(29)
    assert len(answering(shop)) == 3
    shop.wait(1)
    assert answering(shop) == {f"default/{name}" for name in others}
    endpoint = shop.store.list(SLICE, labels={"app": "web"})[0].values["endpoints"][0]
    assert endpoint["conditions"] == {"ready": False, "serving": False, "terminating": False}
    assert lines(run(f"get pod {sick}"))[1][1] == "0/1"
    run(f"exec {sick} -- touch /tmp/ready")
    assert run(f"wait --for=condition=Ready pod/{sick}") == f"pod/{sick} condition met\n"
    assert len(answering(shop)) == 3


def test_wait_lets_time_pass_until_a_pod_is_not_ready(shop: ControlPlane) -> None:
    run, (sick, *_), before = shell(shop), pods(shop), shop.now
    run(f"exec {sick} -- rm /tmp/ready")
    assert run(f"wait --for=condition=Ready=false pod/{sick} --timeout=60s").endswith("met\n")
    assert (shop.now - before).total_seconds() == 30


def test_wait_gives_up_when_its_time_is_over(shop: ControlPlane) -> None:
    run, (well, *_), before = shell(shop), pods(shop), shop.now
    said = run(f"wait --for=condition=Ready=false pod/{well} --timeout=45s")
    assert said == f"error: timed out waiting for the condition on pods/{well}\n[1]"
    assert (shop.now - before).total_seconds() == 45


def test_a_readiness_gate_is_opened_by_whoever_watches_it(plane: ControlPlane) -> None:
    run = shell(plane)
    gated = SHOP.replace(
        "      containers:", "      readinessGates: [{conditionType: a/b}]\n      containers:"
    )
    run("apply -f -", gated)
    assert answering(plane) == {REFUSED_BY_NODE}
    status = '{"status": {"conditions": [{"type": "a/b", "status": "True"}]}}'
    run(f"patch pod {pods(plane)[0]} --subresource=status -p '{status}'")
    assert answering(plane) == {f"default/{pods(plane)[0]}"}


def test_a_terminating_pod_still_serves_if_there_is_no_other(plane: ControlPlane) -> None:
    run = shell(plane)
    run("run web --image=nginx --port=80")
    run("expose pod web")
    run("delete pod web --wait=false")
    endpoint = plane.store.list(SLICE, labels={"run": "web"})[0].values["endpoints"][0]
    assert endpoint["conditions"] == {"ready": False, "serving": True, "terminating": True}
    assert answering(plane) == {"default/web"}
    plane.wait(30)
    assert answering(plane) == {REFUSED_BY_NODE}


def test_delete_waits_until_a_pod_is_gone_and_another_takes_its_place(shop: ControlPlane) -> None:
    run, before, (first, *others) = shell(shop), shop.now, pods(shop)
    assert run(f"delete pod {first}") == f'pod "{first}" deleted from default namespace\n'
    assert (shop.now - before).total_seconds() == 30
    assert first not in pods(shop)
    assert {*others} < {*pods(shop)}
    assert len(pods(shop)) == 3


def test_deleting_the_service_takes_its_slices_and_rules(shop: ControlPlane) -> None:
    run = shell(shop)
    assert answering(shop)
    address = "10.96.1.1"
    assert address in str(shop.cluster.rules("node1"))
    assert run("delete -f -", SERVICE) == 'service "web" deleted from default namespace\n'
    assert shop.store.list(SLICE, labels={"app": "web"}) == []
    assert address not in str(shop.cluster.rules("node1"))


def test_a_label_decides_whether_a_pod_is_behind_a_service(shop: ControlPlane) -> None:
    run, (first, *others) = shell(shop), pods(shop)
    said = "error: 'app' already has a value (web), and --overwrite is false\n[1]"
    assert run(f"label pod {first} app=debug") == said
    assert run(f"label pod {first} app=debug --overwrite") == f"pod/{first} labeled\n"
    answers = answering(shop)
    assert f"default/{first}" not in answers
    # the ReplicaSet misses it, and starts one more
    assert len(answers) == len(others) + 1
    assert run(f"label pod {first} app-") == f"pod/{first} unlabeled\n"


def test_a_selector_that_fits_no_pod_has_one_empty_slice(plane: ControlPlane) -> None:
    run = shell(plane)
    run("apply -f -", SERVICE)
    assert lines(run("get endpointslices"))[2][1:4] == ["IPv4", "<unset>", "<unset>"]
    assert lines(run("get ep web"))[1][1] == "<none>"
    assert answering(plane) == {REFUSED_BY_NODE}


def test_a_selector_may_be_set_to_other_pods(shop: ControlPlane) -> None:
    run = shell(shop)
    assert run("set selector svc web app=other") == "service/web selector updated\n"
    assert answering(shop) == {REFUSED_BY_NODE}
    run("run other --image=nginx --port=8080 --labels=app=other")
    run('patch svc web --type=merge -p \'{"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}\'')
    assert answering(shop) == {"default/other"}
    assert run("set image deploy/web web=x:2") == "deployment.apps/web image updated\n"
    assert run("set image deploy/web y=x:2").startswith("error: unable to find container")


def test_the_api_servers_own_service_comes_back(plane: ControlPlane) -> None:
    run = shell(plane)
    said = 'service "kubernetes" deleted from default namespace\n'
    assert run("delete svc --all") == said
    assert answering(plane, "default/kubernetes", "node2") == {"node1"}


def test_what_has_no_room_is_not_there(plane: ControlPlane) -> None:
    run = shell(plane)
    nodes = [f"{{apiVersion: v1, kind: Node, metadata: {{name: n{n}}}}}" for n in range(300)]
    said = run("apply -f -", "\n---\n".join(nodes))
    assert "Error from server (InternalError): Internal error occurred: there is no " in said
    assert [row[0] for row in lines(run("get nodes"))[1:]] == ["node1", "node2", "node3"]


def test_a_pod_without_a_place_waits(plane: ControlPlane) -> None:
    run = shell(plane)
    node = "metadata: {name: m}, spec: {podCIDR: 10.9.0.0/30}"
    run("apply -f -", f"{{apiVersion: v1, kind: Node, {node}}}")
    spec = "{nodeName: m, containers: [{name: a, image: b}]}"
    pod = f"{{apiVersion: v1, kind: Pod, metadata: {{name: NAME}}, spec: {spec}}}"
    for name in ("first", "second"):
        run("apply -f -", pod.replace("NAME", name))
    assert [row[2] for row in lines(run("get pods"))[1:]] == ["Running", "Pending"]
    run("delete pod first")
    assert lines(run("get pods"))[1][:3] == ["second", "1/1", "Running"]


def test_many_services_are_made_in_one_go(plane: ControlPlane) -> None:
    for node in plane.cluster.nodes:
        plane.cluster.machine(node)
    texts = [service("selector: {a: b}, ports: [{port: 80}]", f"s{n}") for n in range(200)]
    assert not kubectl(plane, ["apply", "-f", "-"], "\n---\n".join(texts)).status
    assert str(plane.cluster.rules("node1")).count("has no endpoints") == 200


def test_a_target_port_where_nobody_listens_is_refused_by_the_pod(shop: ControlPlane) -> None:
    run = shell(shop)
    run("apply -f -", SERVICE.replace("targetPort: http", "targetPort: 9999"))
    assert lines(run("get ep web"))[1][1].startswith("10.244.1.2:9999")
    attempt = shop.cluster.connect("node1", "default/web")
    assert attempt.result is Result.REFUSED
    assert attempt.trips[0].legs[-1].machine.startswith("default/web-")


def test_a_new_template_replaces_the_pods(shop: ControlPlane) -> None:
    run, before = shell(shop), set(pods(shop))
    run("apply -f -", SHOP.replace("web:1", "web:2"))
    assert run("rollout status deploy/web") == 'deployment "web" successfully rolled out\n'
    shop.wait(30)
    assert before.isdisjoint(pods(shop))
    assert len(pods(shop)) == 3
    images = run("get pods -o jsonpath='{.items[*].spec.containers[0].image}'")
    assert images.split() == ["registry.example/web:2"] * 3


def test_a_template_whose_pods_are_never_ready_leaves_the_old_ones_at_work(
    shop: ControlPlane,
) -> None:
    run, before = shell(shop), pods(shop)
    run("apply -f -", SHOP.replace("touch /tmp/ready; ", ""))
    said = run("rollout status deploy/web --timeout=60s")
    assert said.startswith('Waiting for deployment "web" rollout to finish: 1 out of 3 new')
    assert said.endswith("error: timed out waiting for the condition\n[1]")
    assert answering(shop) == {f"default/{name}" for name in before}


def test_a_cordoned_node_gets_no_new_pods(plane: ControlPlane) -> None:
    run = shell(plane)
    assert run("cordon node1") == "node/node1 cordoned\n"
    assert run("cordon node1") == "node/node1 already cordoned\n"
    assert lines(run("get nodes"))[1][1] == "Ready,SchedulingDisabled"
    run("apply -f -", SHOP)
    assert {one.spec["nodeName"] for one in plane.store.list(POD)} == {"node2", "node3"}
    assert run("drain node2 --ignore-daemonsets").endswith("node/node2 drained\n")
    assert {one.spec["nodeName"] for one in plane.store.list(POD)} == {"node3"}


def test_a_manifest_may_hold_the_slices_itself(plane: ControlPlane) -> None:
    run = shell(plane)
    run("run db --image=postgres")
    database = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{port: 5432}]
endpoints: [{addresses: [10.244.1.2], conditions: {ready: true}}]
"""
    made = "service/db created\nendpointslice.discovery.k8s.io/db-1 created\n"
    assert run("apply -f -", database) == made
    assert answering(plane, "default/db") == {"default/db"}
    patch = '[{"op": "replace", "path": "/endpoints/0/conditions/ready", "value": false}]'
    said = run(f"patch endpointslice db-1 --type=json -p '{patch}'")
    assert said == "endpointslice.discovery.k8s.io/db-1 patched\n"
    assert answering(plane, "default/db") == {REFUSED_BY_NODE}


def test_traffic_distribution_gives_hints(shop: ControlPlane) -> None:
    run = shell(shop)
    run('patch svc web -p \'{"spec": {"trafficDistribution": "PreferSameZone"}}\'')
    near = {f"default/{name}" for name in pods(shop)[:2]}
    assert answering(shop, client="node1") == near
    assert answering(shop, client="node3") == {f"default/{pods(shop)[2]}"}


# --- the rules ---


def chains(tables: object) -> dict[str, dict[str, list[str]]]:
    """All rules by table and chain."""
    assert isinstance(tables, dict)
    return {
        str(name): {chain.name: list(map(str, chain.rules)) for chain in table.ordered()}
        for name, table in tables.items()
    }


def test_every_node_has_the_rules_that_kube_proxy_makes_of_the_same_objects(
    plane: ControlPlane,
) -> None:
    run = shell(plane)
    for node in plane.cluster.nodes:
        plane.cluster.machine(node)
    steps = (
        ("apply -f -", SHOP),
        ('patch svc web -p \'{"spec": {"type": "LoadBalancer"}}\'', ""),
        ('patch svc web -p \'{"spec": {"externalTrafficPolicy": "Local"}}\'', ""),
        ("scale deploy web --replicas=7", ""),
        ("delete pod --all --wait=false", ""),
        ("delete node node3", ""),
        ("delete svc web", ""),
    )
    for line, stdin in steps:
        assert "[" not in run(line, stdin)
        for node in plane.cluster.nodes:
            config = replace(plane.cluster.place.config, node_name=node)
            manifests = replace(plane.manifests(), nodes=tuple(plane.cluster.place.nodes.values()))
            fresh = load(Proxy(config, Family.IPV4).sync(manifests))
            assert chains(dict(plane.cluster.rules(node).tables)) == chains(dict(fresh.tables))


def test_two_clusters_share_nothing_and_are_alike(shop: ControlPlane) -> None:
    twin = shop.copy()
    shell(twin)("delete svc,deploy --all")
    assert len(answering(shop)) == 3
    other = ControlPlane.usual()
    shell(other)("apply -f -", SHOP)
    assert shell(other)("get all -A -o yaml") == shell(shop)("get all -A -o yaml")
    assert str(other.cluster.rules("node1")) == str(shop.cluster.rules("node1"))


def test_a_cluster_may_begin_with_endpoints_alone() -> None:
    text = """
kind: Node
metadata: {name: a}
---
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, clusterIP: 10.96.0.80, ports: [{name: h, port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: h, port: 8080}]
endpoints: [{addresses: [10.244.1.9], nodeName: a, targetRef: {kind: Pod, name: web-x}}]
"""
    plane = ControlPlane(text.replace("port: 80}", "port: 80, targetPort: 8080}"))
    assert lines(shell(plane)("get pods -o wide"))[1][:7:5] == ["web-x", "10.244.1.9"]
    assert answering(plane, client="a") == {"default/web-x"}
    assert shell(plane)("delete pod web-x") == 'pod "web-x" deleted from default namespace\n'
    assert answering(plane, client="a") == {REFUSED_BY_NODE}


def test_a_cluster_may_speak_both_families() -> None:
    both = Config(families=(Family.IPV4, Family.IPV6))
    plane = ControlPlane("{kind: Node, metadata: {name: a}}", both)
    run = shell(plane)
    run("run web --image=nginx")
    spec = "ipFamilyPolicy: PreferDualStack, selector: {run: web}, ports: [{port: 80}]"
    run("apply -f -", service(spec, "web"))
    ips = run("get svc web -o jsonpath='{.spec.clusterIPs[*]}'").split()
    assert ips == ["10.96.1.1", "fd00:10:96::101"]
    for ip in ("tcp://10.96.1.1:80", "tcp://[fd00:10:96::101]:80"):
        assert answering(plane, ip, "a") == {"default/web"}


# --- refusals ---

NOT_THERE = "Error from server (NotFound): "
REFUSED = [
    ("get svc x", f'{NOT_THERE}services "x" not found'),
    ("get deploy x", f'{NOT_THERE}deployments.apps "x" not found'),
    ("describe endpointslice x", f'{NOT_THERE}endpointslices.discovery.k8s.io "x" not found'),
    ("get foo", 'error: the server doesn\'t have a resource type "foo"'),
    ("get pods --foo", "error: unknown flag: --foo\nSee 'kubectl get --help' for usage."),
    ("get pods -Q", "error: unknown shorthand flag: 'Q' in -Q\nSee 'kubectl get --help' for "
     "usage."),
    ("get pods -n", "error: flag needs an argument: 'n' in -n\nSee 'kubectl get --help' for "
     "usage."),
    ("gett pods", 'error: unknown command "gett" for "kubectl"\n\nDid you mean this?\n\tget\n'
     "\tset"),
    ("scale deploy web --replicas=x", 'error: invalid argument "x" for "--replicas" flag: '
     "strconv.ParseInt: parsing \"x\": invalid syntax\nSee 'kubectl scale --help' for usage."),
    ("run", "error: NAME is required for run\nSee 'kubectl run -h' for help and examples"),
    ("frobnicate", 'error: unknown command "frobnicate" for "kubectl"'),
    ("apply", "error: must specify one of -f and -k"),
    ("apply -f web.yaml", 'error: the path "web.yaml" does not exist'),
    ("apply -f -", "error: no objects passed to apply"),
    ("delete pod", "error: resource(s) were provided, but no name was specified"),
    ("scale deploy web", 'error: required flag(s) "replicas" not set'),
    ("run web", 'error: required flag(s) "image" not set'),
    ("delete ns default", 'Error from server (Forbidden): namespaces "default" is forbidden: '
     "this namespace may not be deleted"),
    ("rollout undo deploy/web", 'error: unknown command "undo" for "kubectl rollout"\nHere are '
     "kubectl rollout status and kubectl rollout restart."),
    ("get pods -l 'a b c'", "error: unable to parse requirement: found 'a b c', expected: a "
     "label such as app=web, app!=web, app or !app"),
    ("create ns kube-system", 'Error from server (AlreadyExists): namespaces "kube-system" '
     "already exists"),
    ("run x --image=y -n nowhere", f'{NOT_THERE}namespaces "nowhere" not found'),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), REFUSED)
def test_a_command_is_refused_in_kubectls_words(plane: ControlPlane, line: str, said: str) -> None:
    assert shell(plane)(line) == f"{said}\n[1]"


def service(spec: str, name: str = "w") -> str:
    return f"{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{{spec}}}}}"


INVALID = [
    (service(""), "spec.ports: Required value"),
    (service("ports: [{port: 0, targetPort: 1}]"),
     "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
    (service("ports: [{port: 80, protocol: tcp}]"),
     'spec.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"'),
    (service("ports: [{port: 80, nodePort: 30080}]"),
     "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
    (service("type: NodePort, ports: [{port: 80, nodePort: 80}]"),
     "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The "
     "range of valid ports is 30000-32767"),
    (service("type: Web, ports: [{port: 80}]"),
     'spec.type: Unsupported value: "Web": supported values: "ClusterIP", "ExternalName", '
     '"LoadBalancer", "NodePort"'),
    (service("clusterIP: 10.96.0.1, ports: [{port: 80}]"),
     'spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided '
     "IP is already allocated"),
    (service("clusterIP: 192.168.1.1, ports: [{port: 80}]"),
     'spec.clusterIPs: Invalid value: ["192.168.1.1"]: failed to allocate IP 192.168.1.1: the '
     "provided IP (192.168.1.1) is not in the valid range. The range of valid IPs is "
     "10.96.0.0/12"),
    (service("allocateLoadBalancerNodePorts: false, ports: [{port: 80}]"),
     "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is "
     "'LoadBalancer'"),
    (service("type: NodePort, loadBalancerClass: a.org/b, ports: [{port: 80}]"),
     "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"),
    (service("externalTrafficPolicy: Local, ports: [{port: 80}]"),
     'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for '
     "externally-accessible services"),
    (service("externalIPs: [web], ports: [{port: 80}]"),
     'spec.externalIPs[0]: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or '
     "2001:db8::ffff)"),
    (service("type: ExternalName"), "spec.externalName: Required value"),
    (service("ports: [{port: 80, name: a}, {port: 81, name: a}]"),
     'spec.ports[1].name: Duplicate value: "a"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), INVALID)
def test_a_service_is_refused_in_the_servers_words(
    plane: ControlPlane, text: str, said: str
) -> None:
    assert shell(plane)("apply -f -", text) == f'The Service "w" is invalid: {said}\n[1]'


def test_several_faults_are_listed(plane: ControlPlane) -> None:
    said = shell(plane)("apply -f -", service("ports: [{port: 80}, {port: 81}]"))
    assert said == (
        'The Service "w" is invalid: \n'
        "* spec.ports[0].name: Required value\n"
        "* spec.ports[1].name: Required value\n[1]"
    )


UNREADABLE = [
    ("a: b\n c: d", "error: error parsing STDIN: error converting YAML to JSON: yaml: line 2: "
     "mapping values are not allowed in this context"),
    ("kind: Service", 'error: error validating "STDIN": error validating data: apiVersion not '
     "set; if you choose to ignore these errors, turn validation off with --validate=false"),
    ("- a", "error: error parsing STDIN: json: cannot unmarshal array into Go value of type "
     "unstructured.detector"),
    (service("port: [{}]"), 'Error from server (BadRequest): error when creating "STDIN": '
     'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown '
     'field "spec.port"'),
    (service("ports: [{port: '80'}]"), 'Error from server (BadRequest): error when creating '
     '"STDIN": Service in version "v1" cannot be handled as a Service: json: cannot unmarshal '
     "string into Go struct field ServicePort.spec.ports.port of type int32"),
    ("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {}}",
     'Error from server (NotFound): error when creating "STDIN": namespaces "shop" not found'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), UNREADABLE)
def test_a_manifest_is_refused_in_kubectls_words(plane: ControlPlane, text: str, said: str) -> None:
    assert shell(plane)("apply -f -", text) == f"{said}\n[1]"


def test_an_unknown_kind_says_which_there_are(plane: ControlPlane) -> None:
    said = shell(plane)("apply -f -", "{apiVersion: v1, kind: Servce, metadata: {name: w}}")
    assert said.startswith(
        'error: resource mapping not found for name: "w" namespace: "" from "STDIN": no matches '
        'for kind "Servce" in version "v1"\nensure CRDs are installed first\n'
    )


def test_what_comes_before_a_broken_document_is_done(plane: ControlPlane) -> None:
    said = shell(plane)("apply -f -", f"{SERVICE}---\na: b\n c: d")
    assert said.startswith("service/web created\nerror: error parsing STDIN")
    assert said.endswith("[1]")


def test_a_cluster_ip_stays_for_good(shop: ControlPlane) -> None:
    said = shell(shop)('patch svc web -p \'{"spec": {"clusterIP": "10.96.0.9"}}\'')
    assert "spec.clusterIPs[0]: Invalid value: " in said
    assert said.endswith("may not change once set\n[1]")


def test_a_dry_run_changes_nothing(plane: ControlPlane) -> None:
    run = shell(plane)
    assert run("apply --dry-run=server -f -", SERVICE) == "service/web created (server dry run)\n"
    assert run("create deployment a --image=nginx --dry-run=client") == (
        "deployment.apps/a created (dry run)\n"
    )
    assert run("get deploy") == "No resources found in default namespace.\n"
    text = run("create deployment a --image=nginx --dry-run=client -o yaml")
    assert run("apply -f -", text) == "deployment.apps/a created\n"


# --- what is printed ---


def test_paths_print_what_they_lead_to(shop: ControlPlane) -> None:
    run = shell(shop)
    assert run("get svc web -o jsonpath={.spec.ports[0].port}") == "80"
    table = '\'{range .items[*]}{.metadata.name}{"\\t"}{.spec.podCIDR}{"\\n"}{end}\''
    assert run(f"get nodes -o jsonpath={table}") == (
        "node1\t10.244.1.0/24\nnode2\t10.244.2.0/24\nnode3\t10.244.3.0/24\n"
    )
    inner = "'{.status.addresses[?(@.type==\"InternalIP\")].address}'"
    assert run(f"get node node2 -o jsonpath={inner}") == "192.168.10.12"
    columns = "get svc -o custom-columns=NAME:.metadata.name,IP:.spec.clusterIP,X:.spec.x"
    assert run(columns) == (
        "NAME         IP          X\n"
        "kubernetes   10.96.0.1   <none>\n"
        "web          10.96.1.1   <none>\n"
    )
    assert run("get svc -l 'app in (web,x),!tier' -o name") == "service/web\n"


# `<<' is refused in manifests, wherever it stands
KEYS = st.text(max_size=8).filter(lambda key: key != "<<")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=12,
    )
)
@settings(max_examples=150, deadline=None)
@example("-")
def test_yaml_says_what_was_meant(value: object) -> None:
    wrapped = {"a": value}
    assert [one.content for one in read_documents(to_yaml(wrapped))] == [wrapped]


# --- on a machine, in a cell ---


def session(plane: ControlPlane, host: str, files: dict[str, str], stdin: str = "") -> Session:
    return Session(plane.cluster.network, host, Box(files), {}, stdin, plane=plane)


def test_a_node_has_kubectl_with_its_own_files(plane: ControlPlane) -> None:
    here = session(plane, "node2", {"/root/web.yaml": SERVICE})
    output = machine_kubectl(here, ["kubectl", "apply", "-f", "web.yaml"])
    assert (output.stdout, output.status) == ("service/web created\n", 0)
    output = machine_kubectl(here, ["kubectl", "apply", "-f", "other.yaml"])
    assert output.stderr == 'error: the path "other.yaml" does not exist\n'


def test_a_command_in_a_pod_sees_the_pods_files(shop: ControlPlane) -> None:
    run, (first, *_) = shell(shop), pods(shop)
    assert run(f"exec {first} -- cat /etc/hostname") == f"{first}\n"
    assert run(f"exec {first} -- ls /tmp/ready /x") == (
        "/tmp/ready\nls: /x: No such file or directory\ncommand terminated with exit code 1\n[1]"
    )
    assert shop.files_of(first) == {"/etc/hostname": f"{first}\n", "/tmp/ready": ""}
    here = session(shop, "node1", {})
    output = machine_kubectl(here, ["kubectl", "exec", first, "--", "kubectl", "get", "pods"])
    assert (output.stdout, output.status) == ("", 1)
    assert 'exec: "kubectl": executable file not found in $PATH' in output.stderr


def test_a_command_of_a_machine_runs_on_the_pods_machine(shop: ControlPlane) -> None:
    def run(pod: str, words: Sequence[str]) -> Ran:
        return Ran(f"{pod} {' '.join(words)}\n")

    first = pods(shop)[0]
    answer = kubectl(shop, ["exec", first, "--", "curl", "-s", "web"], run=run)
    assert answer.stdout == f"default/{first} curl -s web\n"


def test_a_pod_has_no_key_to_the_cluster(shop: ControlPlane) -> None:
    pod = f"default/{pods(shop)[0]}"
    output = machine_kubectl(session(shop, pod, {}), ["kubectl", "get", "pods"])
    assert output.status == 1
    assert output.stderr.startswith("The connection to the server localhost:8080 was refused")


def test_a_cell_is_one_command_or_many(plane: ControlPlane) -> None:
    assert run_cell(plane, "apply -f -", SERVICE) == "service/web created\n"
    text = "get ns shop\nget svc\n"
    assert run_cell(plane, "", text) == (
        '$ kubectl get ns shop\nError from server (NotFound): namespaces "shop" not found\n'
        "[line 2 ended with status 1; 1 line after it not run]\n"
    )
    shop = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"
    cell = f"# a namespace\nkubectl apply -f - <<EOF\n{shop}\nEOF\nget ns shop -o name\n"
    assert run_cell(plane, "", cell) == (
        "$ kubectl apply -f -\nnamespace/shop created\n$ kubectl get ns shop -o name\n"
        "namespace/shop\n"
    )


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("get 'pods", "line 2: a quote is opened and never closed: get 'pods"),
        ("apply -f - <<EOF\nkind: Pod", "the lines after <<EOF never end"),
        ("get pods | grep web", "line 2: `|' is the shell's"),
        ("# all\nget pods; get svc", "line 3: `;' is the shell's"),
        ("get pods\n" * 1001, "a cell may have 1,000 commands"),
    ],
)
def test_a_cell_that_cannot_be_read_runs_nothing(plane: ControlPlane, cell: str, said: str) -> None:
    with pytest.raises(IptlabError, match=r".") as caught:
        run_cell(plane, "", cell)
    assert str(caught.value).startswith(said)


def test_the_magic_asks_the_lab_of_the_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    lab = Lab.kubernetes()
    magic({"lab": lab}, "get ns default -o name")
    assert capsys.readouterr().out == "namespace/default\n"
    magic({"lab": lab}, "exec shell -- curl -s http://web/")
    assert capsys.readouterr().out.startswith("hello from default/web-")
    assert lab.last.trips[0].legs[0].machine == "default/shell"
    magic({"lab": lab}, "exec shell -- ping -Z web")
    assert capsys.readouterr().out.endswith(
        "command terminated with exit code 1\n[line 1 ended with status 1]\n"
    )
    with pytest.raises(IptlabError, match="there is no cluster called lab here"):
        magic({"lab": Lab.home_router()}, "get pods")


# --- whatever is typed ---

VALUES = (None, 0, -1, 99999, True, "", "x", "a b", [], {}, [None], [1], {"a": 1}, 1.5, 1 << 40)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_any_manifest_is_taken_or_refused(data: st.DataObject) -> None:
    plane = ControlPlane.usual()
    trees = [document.content for document in read_documents(SHOP)]
    holder = data.draw(st.sampled_from(trees))
    while True:
        assert isinstance(holder, dict | list)
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        holder = inner
    holder[key] = data.draw(st.sampled_from(VALUES))
    text = "\n---\n".join(json.dumps(tree) for tree in trees)
    answers = [kubectl(plane, ["apply", "-f", "-"], text)]
    answers += [kubectl(plane, shlex.split(line)) for line in ("get all -A", "describe svc,pods")]
    assert all(isinstance(one, Answer) and one.status in (0, 1) for one in answers)


def test_files_are_read_by_whoever_runs_kubectl(plane: ControlPlane) -> None:
    def read(name: str) -> str:
        if name != "web.yaml":
            raise FileError(name)
        return SERVICE

    assert kubectl(plane, ["create", "-f", "web.yaml"], read=read).stdout == "service/web created\n"
    again = kubectl(plane, ["create", "-f", "web.yaml"], read=read)
    assert again.stderr == (
        'Error from server (AlreadyExists): error when creating "web.yaml": services "web" '
        "already exists\n"
    )
