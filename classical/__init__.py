"""The classical track: HOG, local binary patterns and landmark geometry into LightGBM, XGBoost and an LS-SVM."""

# Models that can be trained and tuned, and the module of each; recipes/<name>.json has the default recipe.
MODELS = {"lightgbm": "lightgbm_model", "xgboost": "xgboost_model", "svm": "svm_model"}
# What such a module has: a function, the search space of ``tune``, and the labels that its heads may answer with.
NEEDED = ("fit", "SPACE", "HEADS")
