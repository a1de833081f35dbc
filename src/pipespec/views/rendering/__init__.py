"""A pipeline as a Luigi module that stands alone."""
