"""Which user a name of the directory makes or means: import rules, domains, resolving."""
