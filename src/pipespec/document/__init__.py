"""From text to one resolved tree. Every value contains its line and its layer."""
