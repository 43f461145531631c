-- Who works here, and the states a part goes through.

-- migrate:up
CREATE TABLE Users(
    user_id      INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (name <> ''),
    role         TEXT NOT NULL CHECK (role IN ('Designer', 'Viewer', 'Admin')),
    active       INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_date INTEGER NOT NULL
) STRICT;

-- Ordered by `sequence`, not by label or clock: 12 comes after 11, and two may be made within a second.
CREATE TABLE Revisions(
    revision_id   INTEGER PRIMARY KEY,
    part_id       INTEGER NOT NULL REFERENCES Parts(part_id) ON DELETE RESTRICT,
    sequence      INTEGER NOT NULL CHECK (sequence > 0),
    label         TEXT NOT NULL CHECK (label <> ''),
    state         TEXT NOT NULL DEFAULT 'Draft' CHECK (state IN ('Draft', 'In Review', 'Released', 'Obsolete')),
    author_id     INTEGER NOT NULL REFERENCES Users(user_id) ON DELETE RESTRICT,
    change_note   TEXT NOT NULL DEFAULT '',
    version       INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    created_date  INTEGER NOT NULL,
    modified_date INTEGER NOT NULL CHECK (modified_date >= created_date),
    released_date INTEGER CHECK (released_date >= created_date),
    UNIQUE (part_id, sequence),
    UNIQUE (part_id, label)
) STRICT;

CREATE INDEX ix_revisions_author ON Revisions(author_id);
CREATE INDEX ix_revisions_state ON Revisions(state, part_id);
CREATE UNIQUE INDEX ix_revisions_one_released ON Revisions(part_id) WHERE state = 'Released';

-- migrate:down
DROP TABLE Revisions;
DROP TABLE Users;
