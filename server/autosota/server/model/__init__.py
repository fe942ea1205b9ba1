"""The model client: asks a language model within a budget, and writes every call down.

A model only proposes. Nothing here decides what becomes of an answer.
"""
