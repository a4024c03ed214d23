"""Programs that drive a server with foreign client libraries, one folder each."""
