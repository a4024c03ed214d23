"""What has lost data elsewhere: each is a named scenario, which fails when its rule is broken on purpose."""
