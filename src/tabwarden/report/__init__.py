"""The only place that words values, for people and for machines."""
