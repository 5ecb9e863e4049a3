"""The real server: sign in, read, write."""
