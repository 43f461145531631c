-- migrate:up
CREATE TABLE Parts(name TEXT NOT NULL) STRICT;
-- migrate:down
DROP TABLE Parts;
