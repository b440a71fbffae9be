"""The five suggestions: experts, mentoring pairs, rotations, teams and validations, all with one result type."""
