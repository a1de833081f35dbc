"""Past runs and versions of a pipeline: explained, compared, accepted."""
