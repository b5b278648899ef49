"""A recognizer of your own: train one, save it as an artifact, and load it by name.

python examples/own_model.py fer2013.csv artifacts/my-lightgbm
"""

import sys
from dataclasses import replace
from pathlib import Path

from facial_emotion import load, names
from facial_emotion.data import fer2013
from facial_emotion.training.job import Job, recipe_of, run

data, folder = sys.argv[1], Path(sys.argv[2])
recipe = recipe_of("lightgbm")
features = {"blocks": [["grid", 8, 2, 8], ["geometry"]]}
recipe = replace(recipe, features=features, fit={**recipe.fit, "rounds": 20})  # few, so that it takes a minute
(card,) = run(Job("lightgbm", recipe, fer2013.load(data)), folder)
print(f"accuracy on PublicTest: {card.metrics['PublicTest'].accuracy:.1%}")
print("models in this folder:", ", ".join(names(folder.parent)))
print("probabilities:", load(folder.name, root=folder.parent).predict_proba(fer2013.load(data).crops[:1]).round(2))
