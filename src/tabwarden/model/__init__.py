"""What is: a Tableau site as plain values. No I/O, no clock, no network."""
