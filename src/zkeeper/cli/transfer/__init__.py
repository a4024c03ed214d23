"""`zkeeper copy`, `export` and `import`: subtrees between servers and files.

1. `source` reads a subtree as a stream of records, parents before children; `export_format` writes and reads records as
   JSON; `target` creates them. A copy is a source and a target, an export and an import have the file in between.
2. Nothing holds the whole subtree; a few dozen znodes are on their way at a time.
3. Nothing is a transaction. A subtree that changes meanwhile is read as it is met: each znode's data is whole, and a
   child never comes without its parent.
"""
