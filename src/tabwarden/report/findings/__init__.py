"""What is unwise, for people, managers and code hosts."""
