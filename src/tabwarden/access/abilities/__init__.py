"""What a person can do that needs several conditions at once."""
