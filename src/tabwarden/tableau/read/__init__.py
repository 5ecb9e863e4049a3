"""A Site as REST tells it."""
