"""The cluster of the lessons: three nodes, a web server on each, and a pod to type at."""

from __future__ import annotations

from iptlab.kubernetes.api.beginning import THREE_NODES

SHOP = f"""{THREE_NODES}---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: nginx}}]}}
---
kind: Service
metadata: {{name: web}}
spec:
  type: NodePort
  clusterIP: 10.96.0.80
  selector: {{app: web}}
  ports: [{{name: http, port: 80, nodePort: 30080}}]
---
kind: Pod
metadata: {{name: shell}}
spec: {{nodeName: node2, containers: [{{name: shell, image: alpine}}]}}
"""
