"""Tree -> PipelineSpec, or every mistake at once."""
