-- The RunPod endpoint that a job's attempts are sent to, by its name in the settings.
ALTER TABLE export_jobs ADD COLUMN endpoint TEXT NOT NULL DEFAULT 'default';

-- Money is counted by endpoint, so that the statistics look at that as well.
DROP INDEX export_jobs_by_end;
CREATE INDEX export_jobs_by_end ON export_jobs (
  finished_at DESC, status, type, error_code, attempt, endpoint, queue_seconds, total_seconds, gpu_seconds,
  wasted_seconds, webhooks_taken, webhooks_failed
) WHERE finished_at IS NOT NULL;
