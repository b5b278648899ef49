"""The classical track: HOG, local binary patterns and landmark geometry into LightGBM, XGBoost and an LS-SVM."""

# By name, the module with the model's ``fit``; recipes/<name>.json has its settings.
MODELS = {"lightgbm": "lightgbm_model", "xgboost": "xgboost_model", "svm": "svm_model"}
TWO_HEADED = ("svm",)  # those that can have a second set of outputs, for people's votes
