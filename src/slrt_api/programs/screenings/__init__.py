"""Screenings: rules judged for everybody of an area at once by the worker; what is listed, counted and told of it."""
