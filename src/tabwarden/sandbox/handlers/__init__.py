"""What answers each endpoint, one file a family. Not which endpoints there are (`endpoints`)."""
