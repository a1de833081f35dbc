"""Convert pipelines of other tools to pipeline files.

Takes the content of another tool's files. Returns the text of a pipeline file, and what has no equivalent here, each
with its place and what to do about it. Nothing is read or written here: files are provided through `SourceFiles`.
"""
