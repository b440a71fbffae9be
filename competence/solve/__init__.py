"""Numbers only: pairing, stable pairing, search, rotation and teams as mathematics on arrays.

Each module states its formulation, is exact where the problem allows it within the budget, and always returns a
status, an objective and a proven bound (:class:`competence.model.Outcome`). Nothing here knows a Person. This is the
only package that imports scipy.optimize, ortools or numba, and nothing is imported before it is asked for:

``order`` the order that input is put in before solving · ``budget`` when to stop · ``assign`` pairs of highest total
score · ``stable`` pairs that nobody would leave · ``top`` the best n by fit · ``rotate`` swaps and cycles · ``teams`` teams in
two stages · ``choice`` weights of a conditional logit · ``items`` which items stand together.
"""
