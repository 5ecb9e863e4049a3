"""Changes carried out over REST."""
