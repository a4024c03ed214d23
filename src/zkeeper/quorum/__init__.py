"""The rules of ensembles as pure values and decisions: memberships, votes, quorums, what a learner is sent."""
