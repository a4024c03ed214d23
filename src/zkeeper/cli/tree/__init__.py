"""`zkeeper tree`: a subtree with sizes, ephemerals and totals."""
