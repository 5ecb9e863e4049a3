"""The directory behind a sandbox: its protocol, a pretend one, imports and sign-in."""
