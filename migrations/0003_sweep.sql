-- What the sweep may believe of this list. Its own row in it: created_at is the epoch, since when the list is known to
-- be whole, mirrored_at the last run. Whatever takes the jobs' rows away takes this one along, and a list without it
-- vouches for nothing. It has a status of its own, so that it is in no list, no count and no statistic.
INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash, created_at, mirrored_at)
SELECT 'sweep', 0, '', 'sweep', '', '{}', 0, '', COALESCE(MIN(created_at), unixepoch() * 1000), 0 FROM export_jobs;

-- Uploads that no job named when the sweep came by, and since when.
CREATE TABLE unused_uploads (
  upload_key TEXT PRIMARY KEY NOT NULL,
  noted_at INTEGER NOT NULL
) WITHOUT ROWID;
