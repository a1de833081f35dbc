"""Access to a project on the disk: its root, modules, input files, git state and installed packages."""
