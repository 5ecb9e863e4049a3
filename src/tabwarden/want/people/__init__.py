"""Several sources as one roster, and what it makes of a Site."""
