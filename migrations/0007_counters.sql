-- Messages to a job's webhook_url that were tried, not taken, and are tried again; only such jobs pay for the index.
ALTER TABLE export_jobs ADD COLUMN webhooks_owed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX export_jobs_by_webhooks_owed ON export_jobs (webhooks_owed) WHERE webhooks_owed > 0;

-- What has happened since the list began, for machines that scrape: counters that only ever grow, while rows come back,
-- age and go. By the outcome of the round (`open`: of a job that is under way again, `deleted`: of one that is gone),
-- the job's type, and the error code, empty without one.
CREATE TABLE job_counters (
  status TEXT NOT NULL,
  type TEXT NOT NULL,
  code TEXT NOT NULL,
  -- Rounds that ended, and their attempts.
  ended INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  webhooks_taken INTEGER NOT NULL,
  webhooks_failed INTEGER NOT NULL,
  -- RunPod's own figures may be lower than the estimate that they replace. So beside each sum stands the most that it
  -- has been, which is what is shown: a counter that falls is taken for one that began again.
  gpu_seconds REAL NOT NULL,
  gpu_seconds_shown REAL NOT NULL,
  wasted_seconds REAL NOT NULL,
  wasted_seconds_shown REAL NOT NULL,
  PRIMARY KEY (status, type, code)
) WITHOUT ROWID;

-- By what differs between the row as it was and as it is: a write that is repeated counts nothing. Never on INSERT: a row
-- that comes back after the list was lost has been counted. Its actor knows how far, see `writeMirror`.
-- A job has ended as many rounds as it has begun, but for the one that is under way.
CREATE TRIGGER count_export_jobs
AFTER UPDATE OF status, round, finished_at, gpu_seconds, wasted_seconds, webhooks_taken, webhooks_failed ON export_jobs
WHEN NEW.round - (NEW.finished_at IS NULL AND NEW.status <> 'deleting')
    > OLD.round - (OLD.finished_at IS NULL AND OLD.status <> 'deleting')
  OR NEW.gpu_seconds <> OLD.gpu_seconds OR NEW.wasted_seconds <> OLD.wasted_seconds
  OR NEW.webhooks_taken > OLD.webhooks_taken OR NEW.webhooks_failed > OLD.webhooks_failed
BEGIN
  INSERT INTO job_counters (status, type, code, ended, attempts, webhooks_taken, webhooks_failed,
    gpu_seconds, gpu_seconds_shown, wasted_seconds, wasted_seconds_shown)
  SELECT status, NEW.type,
    -- Codes are the words of workers: a thousand different rows are enough.
    iif((SELECT COUNT(*) FROM job_counters) < 1000 OR EXISTS (
      SELECT 1 FROM job_counters AS known WHERE known.status = this.status AND known.type = NEW.type AND known.code = this.code
    ), code, 'other'),
    ended, iif(ended > 0 AND status <> 'open', NEW.attempt, 0),
    MAX(0, NEW.webhooks_taken - OLD.webhooks_taken), MAX(0, NEW.webhooks_failed - OLD.webhooks_failed),
    gpu, MAX(0, gpu), wasted, MAX(0, wasted)
  FROM (SELECT
    iif(NEW.status = 'deleting', 'deleted', iif(NEW.finished_at IS NULL, 'open', NEW.status)) AS status,
    iif(NEW.finished_at IS NULL, '', coalesce(NEW.error_code, '')) AS code,
    MAX(0, NEW.round - (NEW.finished_at IS NULL AND NEW.status <> 'deleting')
      - OLD.round + (OLD.finished_at IS NULL AND OLD.status <> 'deleting')) AS ended,
    NEW.gpu_seconds - OLD.gpu_seconds AS gpu,
    NEW.wasted_seconds - OLD.wasted_seconds AS wasted) AS this
  WHERE true
  ON CONFLICT (status, type, code) DO UPDATE SET
    ended = ended + excluded.ended,
    attempts = attempts + excluded.attempts,
    webhooks_taken = webhooks_taken + excluded.webhooks_taken,
    webhooks_failed = webhooks_failed + excluded.webhooks_failed,
    gpu_seconds = gpu_seconds + excluded.gpu_seconds,
    gpu_seconds_shown = MAX(gpu_seconds_shown, gpu_seconds + excluded.gpu_seconds),
    wasted_seconds = wasted_seconds + excluded.wasted_seconds,
    wasted_seconds_shown = MAX(wasted_seconds_shown, wasted_seconds + excluded.wasted_seconds);
END;
