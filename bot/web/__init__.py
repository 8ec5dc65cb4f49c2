"""The web application: health on every deployment that serves a platform, and the routes that platforms need."""
