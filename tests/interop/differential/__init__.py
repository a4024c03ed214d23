"""The differential tester: the same random requests, in lockstep, to two ZooKeeper servers; every answer compared.

It is a judge, so it shares nothing with what it judges: encoder, decoder and session passwords are its own, and no
module here imports the package under test. ``docs/differential.md`` says how to run it and what is never sent, and why.
"""
