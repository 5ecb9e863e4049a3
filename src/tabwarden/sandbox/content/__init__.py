"""Content of the sandbox: published, shown, listed, worked on."""
