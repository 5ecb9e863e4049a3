"""Who else may see: for whom of a catalog Tableau shows what, as tables."""
