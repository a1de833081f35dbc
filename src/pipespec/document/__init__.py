"""Text -> one resolved tree. Every value knows its line and its layer."""
