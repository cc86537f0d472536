-- As most would write it first: the row is the status, and the list has an index for each of its two orders.
CREATE TABLE export_jobs (
  id TEXT PRIMARY KEY NOT NULL,
  project_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  progress REAL NOT NULL DEFAULT 0,
  input_video_key TEXT NOT NULL,
  params TEXT NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}',
  attempt INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  request_hash TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  mirrored_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX export_jobs_by_status ON export_jobs (status, created_at DESC, id DESC);
CREATE INDEX export_jobs_by_project ON export_jobs (project_id, status, created_at DESC, id DESC);
