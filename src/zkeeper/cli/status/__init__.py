"""`zkeeper status`: asks servers how they are, by the four-letter word `srvr`."""
