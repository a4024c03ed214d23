"""`zkeeper shell`: the commands of ZooKeeper's shell, for people, programs and old scripts.

Four layers, each of which knows only the one below it:

1. `words`, `options`, `commands`: a line becomes a `Command` and its `Parsed` options. Pure.
2. `execution`: a parsed command runs on the client and tells a `Report` what came out of it.
3. `reports`: what came out is written as zkCli writes it, in colours and tables, or as JSON.
4. `shell`, `sources`, `terminal`: lines come from a command line, a pipe or a person.
"""
