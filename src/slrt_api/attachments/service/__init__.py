"""Use cases of attachments: uploading, opening, and what the worker does. What is attached, and to what: `flows/attaching`."""
