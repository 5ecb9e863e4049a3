"""The Metadata API over GraphQL."""
