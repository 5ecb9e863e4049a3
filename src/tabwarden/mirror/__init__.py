"""Who else may see: who may View what, for whom of a catalog, as rows. Not where the rows go."""
