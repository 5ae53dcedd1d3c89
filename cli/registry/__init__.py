"""Images from build to retirement: promote them, see what is released, what is stored and what a scan found."""
