"""Pages and JSON of what the commands answer, for whoever is signed in; they decide nothing of their own."""
