"""slrt-api: the headless platform under Indonesia's Sistem Layanan dan Rujukan Terpadu."""

__version__ = "0.1.0"
