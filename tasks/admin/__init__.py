"""What the admin shows of the table. Imported with the first request for it, never by other pages."""
