"""Consents and lawful bases: for which purpose the data of a person may be processed, and on what ground."""
