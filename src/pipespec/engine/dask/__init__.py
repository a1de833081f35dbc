"""Steps execute on a Dask cluster; imported only where a run has such steps."""
