"""The shape of a pipeline file, checked against its JSON schema."""
