"""What should be. Pure: rosters and policies in, a wanted Site out."""
