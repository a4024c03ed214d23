"""The four-letter words: short questions that operators send to the client port, answered as text."""

from zkeeper.server.words.facts import ProcessFacts, QuorumFacts, ServerFacts, folder_bytes
from zkeeper.server.words.four_letter import FourLetterWords
from zkeeper.server.words.process import this_process
from zkeeper.server.words.version import VERSION

__all__ = ["VERSION", "FourLetterWords", "ProcessFacts", "QuorumFacts", "ServerFacts", "folder_bytes", "this_process"]
