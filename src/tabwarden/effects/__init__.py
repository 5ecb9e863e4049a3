"""What Tableau does when people, groups, rules and content change; each change is one class."""
