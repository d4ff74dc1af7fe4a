"""Measurements of this project, each one command: `python -m benchmarks.<name>`; `python -m benchmarks` runs all.

Every benchmark brings its own temporary data folder, measures its floor in the same run, and says how quiet the
machine was. None asserts a time.
"""
