"""A `dvc.yaml`, with the parameter files that it names, as a pipeline of commands."""
