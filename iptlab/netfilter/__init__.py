"""The vocabulary: hooks, tables, chains, rules, matches, targets, verdicts; values only."""
