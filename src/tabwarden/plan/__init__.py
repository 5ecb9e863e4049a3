"""From a Site to another: changes in order, with impact, stops and the way back."""
