"""Data sets: readers of motion and video corpora, and stores of training pairs."""
