"""What a sandbox starts with: packaged, generated and written worlds. Not what becomes of them (`state`)."""
