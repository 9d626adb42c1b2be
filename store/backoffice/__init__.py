"""The staff's desk: thin pages over the domain's own functions."""
