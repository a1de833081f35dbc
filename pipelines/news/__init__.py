"""Classify news articles, one small step at a time: the functions that `news.yaml` calls.

Nothing here knows of pipespec. Each function takes values and returns values; where they come from and where
they go is the pipeline file's business.
"""
