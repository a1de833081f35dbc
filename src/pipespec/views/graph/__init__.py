"""The graph of a pipeline's steps: text trees, Mermaid, DOT, JSON, SVG and a page."""
