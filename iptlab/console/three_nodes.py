"""The cluster of the lessons: three nodes, a web Service on all of them, and its DNS."""

from __future__ import annotations

_NODE = """---
apiVersion: v1
kind: Node
metadata: {{name: node{0}, labels: {{kubernetes.io/hostname: node{0}}}}}
spec: {{podCIDR: 10.244.{0}.0/24}}
status: {{addresses: [{{type: InternalIP, address: 192.168.10.1{0}}}]}}
"""
_SERVICES = """---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  type: NodePort
  selector: {app: web}
  clusterIP: 10.96.0.80
  clusterIPs: [10.96.0.80]
  ipFamilies: [IPv4]
  ports:
  - {name: http, port: 80, targetPort: 8080, nodePort: 30080, protocol: TCP}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-x7k2m, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports:
- {name: http, port: 8080, protocol: TCP}
endpoints:
- addresses: [10.244.1.10]
  conditions: {ready: true}
  nodeName: node1
  targetRef: {kind: Pod, name: web-1, namespace: default}
- addresses: [10.244.2.10]
  conditions: {ready: true}
  nodeName: node2
  targetRef: {kind: Pod, name: web-2, namespace: default}
- addresses: [10.244.3.10]
  conditions: {ready: true}
  nodeName: node3
  targetRef: {kind: Pod, name: web-3, namespace: default}
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  type: ClusterIP
  selector: {k8s-app: kube-dns}
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  ipFamilies: [IPv4]
  ports:
  - {name: dns, port: 53, targetPort: 53, protocol: UDP}
  - {name: dns-tcp, port: 53, targetPort: 53, protocol: TCP}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns-4tq9w, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
ports:
- {name: dns, port: 53, protocol: UDP}
- {name: dns-tcp, port: 53, protocol: TCP}
endpoints:
- addresses: [10.244.1.2]
  conditions: {ready: true}
  nodeName: node1
  targetRef: {kind: Pod, name: coredns-1, namespace: kube-system}
- addresses: [10.244.2.2]
  conditions: {ready: true}
  nodeName: node2
  targetRef: {kind: Pod, name: coredns-2, namespace: kube-system}
"""  # noqa: E501
THREE_NODES = "".join(_NODE.format(number) for number in (1, 2, 3)) + _SERVICES
