"""Files of a match's provider in, tracks of players and a table of events out."""
