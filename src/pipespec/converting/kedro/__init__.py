"""A pipeline of a Kedro project as a pipeline that calls the same functions."""
