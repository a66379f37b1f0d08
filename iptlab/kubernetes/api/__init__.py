"""A small API server with its controllers: as much of Kubernetes as Services need."""
