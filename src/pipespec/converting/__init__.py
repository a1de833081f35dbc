"""Pipelines of other tools, written as pipeline files.

Takes what another tool's files say; gives the text of a pipeline file, and what has no equal here, each with its place and a way out.
Nothing is read or written here: files come in through `SourceFiles`.
"""
