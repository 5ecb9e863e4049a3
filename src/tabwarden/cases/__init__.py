"""Case files: small sites with a question and the answer a public document gives.

`tabwarden cases FILE...` runs them; a person's own question in the same form is already a test.
The schema is told in docs/reference/case-files.md.
"""
