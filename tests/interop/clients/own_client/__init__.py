"""Our own recipes as a program among those of others."""
