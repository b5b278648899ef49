"""Features and a fitted model: HOG and landmark geometry into LightGBM, XGBoost and a kernel machine."""
