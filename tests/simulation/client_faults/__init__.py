"""The client in the simulator, over connections that break anywhere: seeded runs, judged by the server's logs."""
