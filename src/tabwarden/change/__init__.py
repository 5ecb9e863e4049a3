"""From is to should: effects, plans, impact, stops. Pure."""
