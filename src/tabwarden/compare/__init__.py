"""Whose access differs between two Sites, and why."""
