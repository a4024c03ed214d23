"""The `zkeeper` command."""
