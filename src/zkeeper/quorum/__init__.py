"""The rules of ensembles as pure values and decisions: memberships, votes, quorums, elections, what learners get."""
