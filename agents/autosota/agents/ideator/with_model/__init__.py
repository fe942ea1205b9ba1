"""The ideator with a model: what it is shown, what it may answer, and the gates of an answer.

Pure. Asking is the server's; whether a change is allowed is the supervisor's, as for any idea.
"""
