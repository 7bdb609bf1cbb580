"""Outside systems that this domain asks, each behind a protocol and with a simulator."""
