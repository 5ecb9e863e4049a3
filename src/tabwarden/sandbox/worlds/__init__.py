"""What a sandbox starts with: packaged, generated and written worlds."""
