"""Map what the people of an employer can do, and suggest experts, mentoring pairs, rotations, teams and validations."""
