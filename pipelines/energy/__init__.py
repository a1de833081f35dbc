"""Forecast hourly demand or prices of several regions a week ahead: the functions that `energy.yaml` calls.

Nothing here knows of pipespec, nor of environments: which regions, which model and where the data come from are
params of the pipeline file, and of the files that it includes from this folder.
"""
