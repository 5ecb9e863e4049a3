"""People of the sandbox: added, changed, imported, shown."""
