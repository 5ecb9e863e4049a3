"""`python -m tabwarden`."""

from tabwarden.cli import main

main()
