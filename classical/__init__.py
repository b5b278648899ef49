"""The classical track: HOG, local binary patterns and landmark geometry into LightGBM, XGBoost and an LS-SVM."""
