"""The same answers for everybody and everything at once, on columns."""
