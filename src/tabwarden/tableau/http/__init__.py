"""The HTTP way to Tableau: one connection, one retry, one sign-in, one paging."""
