"""What should be of content, as a text says it: read into wishes, laid over a Site, and told of one."""
