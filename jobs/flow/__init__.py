"""What happens to jobs and batches: one file a verb."""
