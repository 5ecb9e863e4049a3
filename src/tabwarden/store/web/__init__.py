"""What the pages keep: who is signed in, and who looked at whom and changed what."""
