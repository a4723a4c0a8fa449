"""The shipped refiner and its model card."""
