"""Use cases of complaints: file one, move it on, track it by its receipt."""
