"""Convert values to text, JSON, Mermaid, DOT, SVG and pages. Pure: prints nothing, reads nothing except files of the package."""
