"""The web applications of a deployment that serves a platform: health with the platforms' routes, and metrics."""
