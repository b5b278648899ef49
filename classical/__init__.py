"""The classical track: features and a fitted model. HOG and landmark geometry into LightGBM, XGBoost and an LS-SVM."""

# One line here makes a model trainable and tunable: the module with its ``fit``; recipes/<name>.json has its settings.
MODELS = {"lightgbm": "lightgbm_model", "xgboost": "xgboost_model", "svm": "svm_model"}
