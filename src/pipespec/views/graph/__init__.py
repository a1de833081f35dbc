"""The steps of a pipeline and what they hand on: text trees, Mermaid, DOT, JSON, SVG and a page."""
