"""From a request on the line to the bytes of its answer."""
