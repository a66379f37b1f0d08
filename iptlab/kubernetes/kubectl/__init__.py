"""The command ``kubectl``, as it prints and as it complains, on a virtual cluster."""
