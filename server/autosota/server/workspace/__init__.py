"""The user's repository as the copilot sees it: commits in a store of our own, never in theirs.

What a change means, what may be changed and what is run is not known here.
"""
