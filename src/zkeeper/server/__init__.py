"""One node: configuration, client connections, the request road of a standalone server, four-letter words."""
