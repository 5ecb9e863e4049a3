"""What is kept: snapshots, plans, journals."""
