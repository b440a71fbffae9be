"""Measurements against other programs and against proven bounds; see README.md. ``python -m benchmarks`` runs the quick ones."""
