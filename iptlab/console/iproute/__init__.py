"""The objects of ``ip``: links, addresses, routes, rules and neighbours, a file for each."""
