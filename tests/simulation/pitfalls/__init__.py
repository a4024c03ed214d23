"""What has lost data elsewhere: each row is a named scenario here, and each rule is broken on purpose to see it fail."""
