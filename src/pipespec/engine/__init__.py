"""Plan -> Luigi tasks -> steps run in processes of their own. The only importer of luigi."""
