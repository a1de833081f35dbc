"""A plan as Luigi tasks, scheduled and driven. The only package that imports luigi."""
