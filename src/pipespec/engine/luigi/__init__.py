"""A plan as Luigi tasks, scheduled and driven. The only importer of luigi."""
