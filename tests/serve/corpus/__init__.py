"""Malformed and awkward input as data: what is sent, and what must come back.

Every table is a list of entries; `test_malformed.py` plays them one after the other against one
server. Whatever a hunt finds is added here with the status it should have had.
"""
