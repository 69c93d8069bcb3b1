"""Measurements behind the README's figures: side by side in one run, ratios, medians of several."""
