-- Safe to run at every start, which makes the views anew. An act is kept once it is committed; a kill loses nothing of it.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS object (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL,
  body TEXT NOT NULL, hidden TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE INDEX IF NOT EXISTS object_intent ON object (kind, json_extract(body, '$.payment_intent'));
CREATE TEMP VIEW booked AS
  SELECT id, json_extract(body, '$.status') AS status, json_extract(body, '$.currency') AS currency,
    json_extract(body, '$.net') AS net, json_extract(hidden, '$.payout') AS payout
  FROM object WHERE kind = 'balance_transaction';
CREATE TABLE IF NOT EXISTS plan (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, act TEXT NOT NULL, object TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS plan_due ON plan (due);
-- Of one event to one endpoint ('' is that of the command line); due by the machine's clock, and sent by due and place.
CREATE TABLE IF NOT EXISTS sending (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL REFERENCES object (id), endpoint TEXT NOT NULL,
  due REAL NOT NULL, place INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'held', 'lost', 'delivered')),
  attempts INTEGER NOT NULL DEFAULT 0, answer TEXT);
CREATE TEMP VIEW outgoing AS
  SELECT sending.*, told.body, json_extract(address.body, '$.url') AS url, json_extract(address.hidden, '$.secret') AS secret
  FROM sending JOIN object AS told ON told.id = sending.event LEFT JOIN object AS address ON address.id = sending.endpoint;
CREATE INDEX IF NOT EXISTS sending_state ON sending (state, due, place);
CREATE INDEX IF NOT EXISTS sending_event ON sending (event);
CREATE TABLE IF NOT EXISTS reply (
  key TEXT PRIMARY KEY, content TEXT NOT NULL, request_id TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS reply_created ON reply (created);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TEMP VIEW told AS
  SELECT seq, body, (
    SELECT json_group_array(json_object('state', state, 'attempts', attempts, 'answer', answer))
    FROM sending WHERE event = object.id) AS deliveries
  FROM object WHERE kind = 'event';
