"""The page that recognises emotions in the browser."""
