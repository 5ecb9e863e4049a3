"""What goes wrong on demand, and how it is done to a request."""
