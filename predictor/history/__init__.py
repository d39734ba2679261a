"""Stored predictions: searched in the order of time for the admin, exports and the API; kept as long as wanted."""
