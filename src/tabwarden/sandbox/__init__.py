"""Tableau in a box: an HTTP server over a Site that changes only through effects."""
