"""Who may, and why. Pure: no I/O, no clock, no network."""
