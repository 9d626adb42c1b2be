-- Safe to run at every start. An act is kept once it is committed; a kill loses nothing of it.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS object (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL,
  body TEXT NOT NULL, hidden TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE INDEX IF NOT EXISTS open_session ON object (json_extract(body, '$.expires_at'))
  WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open';
CREATE TABLE IF NOT EXISTS delivery (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL REFERENCES object (id), due REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'held', 'lost', 'delivered')),
  attempts INTEGER NOT NULL DEFAULT 0, answer TEXT);
CREATE INDEX IF NOT EXISTS delivery_state ON delivery (state, due);
CREATE TABLE IF NOT EXISTS reply (
  key TEXT PRIMARY KEY, content TEXT NOT NULL, request_id TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
