"""Read Python source by its syntax tree: modules, names, classes, annotations, signatures. Imports nothing."""
