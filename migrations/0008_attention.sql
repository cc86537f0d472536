-- What a person should look at, and since when. No healthy job is in the index, nor pays for it.
ALTER TABLE export_jobs ADD COLUMN attention TEXT;
ALTER TABLE export_jobs ADD COLUMN attention_at INTEGER;
CREATE INDEX export_jobs_by_attention ON export_jobs (attention_at, id, attention, project_id)
  WHERE attention IS NOT NULL;
