"""Write a pipeline as a stand-alone Luigi module."""
