-- An input that lies elsewhere: its origin and path, beside an empty input_video_key. Never its query, which may open it.
ALTER TABLE export_jobs ADD COLUMN input_video_url TEXT;
