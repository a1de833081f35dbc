"""Convert a pipeline of a Kedro project to a pipeline that calls the same functions."""
