"""Requests to a Tableau server: signing in, calling, lists that are whole or refused."""
