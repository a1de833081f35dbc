"""Execute steps on a Dask cluster. Imported only if a run has such steps."""
