"""Benchmarks: `python -m benchmarks [rest,...]`; how to read them stands in README.md. Not part of the package."""
