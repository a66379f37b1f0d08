"""Kubernetes Services, and the rules that kube-proxy makes of them."""
