-- Uploads in parts that were begun for a job, so that deleting the job ends those that are unfinished. Written when
-- such an upload begins, removed when its actor empties itself.
CREATE TABLE job_uploads (
  job_id TEXT NOT NULL,
  upload_key TEXT NOT NULL,
  PRIMARY KEY (job_id, upload_key)
) WITHOUT ROWID;
