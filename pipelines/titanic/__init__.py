"""Who survives a shipwreck: the functions that `titanic.yaml` calls. Nothing here knows of pipespec."""
