"""`autosota check`: which files, what settings, cached, on all cores, in four formats.

What is wrong in a file is `agents.check`'s to say; here are files, processes and words.
"""
