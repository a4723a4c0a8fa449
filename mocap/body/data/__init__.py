"""The open body, shipped prebuilt."""
