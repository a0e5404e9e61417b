"""Bytes of XML in, elements and points out: all that the XML readers share."""
