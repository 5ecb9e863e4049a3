"""Gather, decide, do: one file a run."""
