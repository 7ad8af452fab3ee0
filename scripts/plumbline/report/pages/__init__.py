"""Pages: report, explorer, leaderboard."""
