"""What Tableau does: one class an op, and what content and people become by it."""
