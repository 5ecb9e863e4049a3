"""Groups of the directory kept on Tableau."""
