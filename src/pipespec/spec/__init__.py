"""Build a `PipelineSpec` from the resolved tree, or report all mistakes at once."""
