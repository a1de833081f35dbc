"""Values -> text, JSON, Mermaid, DOT. Pure: prints nothing, reads nothing."""
