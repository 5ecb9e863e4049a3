"""Groups of the directory kept on Tableau. Not how the directory is read, nor how the server is written to."""
