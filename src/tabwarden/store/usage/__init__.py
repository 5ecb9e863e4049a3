"""Use of sites, day by day, apart from the snapshots."""
