"""Values -> text, JSON, Mermaid, DOT, SVG, pages. Pure: prints nothing, reads nothing but what the package carries."""
