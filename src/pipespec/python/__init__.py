"""Python source read by its syntax tree: modules, names, classes, annotations, signatures. Imports nothing."""
