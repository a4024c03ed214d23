"""`zkeeper bench`: a load generator on the client, with percentiles."""
