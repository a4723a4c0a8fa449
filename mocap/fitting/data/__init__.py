"""The files of weights that the fit is shipped with."""
