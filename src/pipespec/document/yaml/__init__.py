"""Convert YAML text to nodes that contain their places, or explain what is wrong with the text."""
