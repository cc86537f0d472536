-- The list of export jobs. Each job's actor is the truth; its row here is written at birth by the Worker (version 0),
-- then by the actor, never backwards. Instants are milliseconds since 1970.
-- WITHOUT ROWID: a TEXT primary key beside a rowid would be written twice. Five indices at most: each is paid for
-- whenever a column of it is named in an UPDATE.
CREATE TABLE export_jobs (
  id TEXT PRIMARY KEY NOT NULL,
  project_id INTEGER NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  progress REAL NOT NULL DEFAULT 0,
  stage TEXT,
  input_video_key TEXT NOT NULL,
  output_video_key TEXT,
  params TEXT NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}',
  tags TEXT NOT NULL DEFAULT '[]',
  error TEXT,
  error_code TEXT,
  runpod_job_id TEXT,
  attempt INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  round INTEGER NOT NULL DEFAULT 1,
  request_hash TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  expires_at INTEGER,
  due_at INTEGER,
  gpu_seconds REAL NOT NULL DEFAULT 0,
  wasted_seconds REAL NOT NULL DEFAULT 0,
  queue_seconds REAL,
  total_seconds REAL,
  webhooks_taken INTEGER NOT NULL DEFAULT 0,
  webhooks_failed INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  mirrored_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The list: one stretch in order of birth for each status, of all projects or of one. A page merges the stretches of
-- the statuses that it asks for.
CREATE INDEX export_jobs_by_status ON export_jobs (status, created_at DESC, id DESC);
CREATE INDEX export_jobs_by_project ON export_jobs (project_id, status, created_at DESC, id DESC);
-- For the sweep: rows that should have changed by now.
CREATE INDEX export_jobs_by_due ON export_jobs (due_at) WHERE due_at IS NOT NULL;
-- For deletes: is this input still used by another job?
CREATE INDEX export_jobs_by_input ON export_jobs (input_video_key);
-- For the statistics: everything that they look at, so that a window of ended jobs is read from here alone. An index
-- over ended jobs only, so that a job pays for it once, when it ends.
CREATE INDEX export_jobs_by_end ON export_jobs (
  finished_at DESC, status, type, error_code, attempt, queue_seconds, total_seconds, gpu_seconds, wasted_seconds,
  webhooks_taken, webhooks_failed
) WHERE finished_at IS NOT NULL;

-- Images and the like that a job's params name, so that none is swept away while a job still uses it.
CREATE TABLE export_job_assets (
  asset_key TEXT NOT NULL,
  job_id TEXT NOT NULL,
  PRIMARY KEY (asset_key, job_id)
) WITHOUT ROWID;

-- Where the sweep over the bucket goes on with its next run.
CREATE TABLE sweep_cursors (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) WITHOUT ROWID;
