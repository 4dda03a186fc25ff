"""Charts as SVG, drawn here: the report opens offline and needs no library to be read."""
