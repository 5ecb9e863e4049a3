"""What a sandbox holds, and how it is kept across restarts."""
