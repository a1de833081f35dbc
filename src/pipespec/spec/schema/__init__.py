"""Check the structure of a pipeline file with its JSON schema."""
