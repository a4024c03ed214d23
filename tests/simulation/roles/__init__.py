"""One server of ours among scripted peers that speak raw packets: each rule of the roles of an ensemble on its own."""
