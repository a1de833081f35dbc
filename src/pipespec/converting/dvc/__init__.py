"""Convert a `dvc.yaml`, with the parameter files that it names, to a pipeline of commands."""
