"""One file a family of pages; the templates of each stand in `templates`."""
