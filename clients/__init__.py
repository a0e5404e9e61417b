"""The clients that people use already, against one real server: python -m clients [CLIENT...]."""
