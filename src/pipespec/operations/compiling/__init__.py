"""From pipeline files to checked specs."""
