"""The server as a process: killed under load, again and again."""
