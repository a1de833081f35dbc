"""The JSON schema for one project, for editors."""
