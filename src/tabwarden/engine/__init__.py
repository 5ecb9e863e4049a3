"""The same answers as the reference's, for everybody and everything at once, over columns."""
