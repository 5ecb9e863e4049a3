"""The Metadata API over GraphQL. Not REST."""
