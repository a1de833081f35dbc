"""Text -> one resolved tree, in which every value knows the line and the layer that it came from."""
