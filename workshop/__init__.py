"""What makes and measures the product, and is not part of it: files of features, benchmarks, and the report."""
