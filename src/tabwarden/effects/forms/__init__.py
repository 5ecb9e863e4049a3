"""How changes are written, a table of forms for each family."""
