"""What stands in REPORT.md: figures of the data, of the models, of what was left out; plots; the text's template."""
