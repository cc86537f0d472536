-- What a job's last round ended as, `open` while it is under way. The list is in order of birth for each of these, so
-- that a job moves in it when it ends, and no change on the way there writes an index.
ALTER TABLE export_jobs ADD COLUMN outcome TEXT NOT NULL DEFAULT 'open';
-- Since when a job waits for a place at its endpoint, or for its endpoint. No other is in the index, nor pays for it.
ALTER TABLE export_jobs ADD COLUMN waiting_since INTEGER;

DROP INDEX export_jobs_by_status;
DROP INDEX export_jobs_by_project;
DROP INDEX export_jobs_by_due;
UPDATE export_jobs SET outcome = status WHERE status NOT IN ('pending', 'queued', 'processing', 'cancelling');
CREATE INDEX export_jobs_by_status ON export_jobs (outcome, created_at DESC, id DESC);
CREATE INDEX export_jobs_by_project ON export_jobs (project_id, outcome, created_at DESC, id DESC);
-- Of those that are under way, few beside those that have ended, the sweep looks at each.
CREATE INDEX export_jobs_by_due ON export_jobs (due_at) WHERE due_at IS NOT NULL AND outcome <> 'open';
CREATE INDEX export_jobs_by_waiting ON export_jobs (created_at DESC, id DESC, project_id, endpoint, waiting_since)
  WHERE waiting_since IS NOT NULL;

-- Whoever writes a status need not know of this; the mirror does, and so saves this write.
CREATE TRIGGER outcome_of_new_export_jobs AFTER INSERT ON export_jobs
WHEN NEW.outcome <> iif(NEW.status IN ('pending', 'queued', 'processing', 'cancelling'), 'open', NEW.status)
BEGIN
  UPDATE export_jobs SET outcome = iif(NEW.status IN ('pending', 'queued', 'processing', 'cancelling'), 'open', NEW.status)
  WHERE id = NEW.id;
END;
CREATE TRIGGER outcome_of_export_jobs AFTER UPDATE OF status ON export_jobs
WHEN NEW.outcome <> iif(NEW.status IN ('pending', 'queued', 'processing', 'cancelling'), 'open', NEW.status)
BEGIN
  UPDATE export_jobs SET outcome = iif(NEW.status IN ('pending', 'queued', 'processing', 'cancelling'), 'open', NEW.status)
  WHERE id = NEW.id;
END;
