"""When models are retrained and monitored by themselves: schedules of recipes and of users, and what is due."""
