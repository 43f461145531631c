-- What belongs to a revision outside of the database, who makes a part, and who changed what.

-- migrate:up
CREATE TABLE Files(
    file_id     INTEGER PRIMARY KEY,
    revision_id INTEGER NOT NULL REFERENCES Revisions(revision_id) ON DELETE CASCADE,
    path        TEXT NOT NULL CHECK (path <> '' AND substr(path, 1, 1) <> '/'),
    kind        TEXT NOT NULL DEFAULT 'other' CHECK (kind IN ('drawing', 'model', 'schematic', 'document', 'other')),
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    added_date  INTEGER NOT NULL,
    UNIQUE (revision_id, path)
) STRICT;

CREATE INDEX ix_files_path ON Files(path);

CREATE TABLE ManufacturerParts(
    manufacturer_part_id INTEGER PRIMARY KEY,
    part_id      INTEGER NOT NULL REFERENCES Parts(part_id) ON DELETE CASCADE,
    manufacturer TEXT NOT NULL COLLATE NOCASE CHECK (manufacturer = trim(manufacturer) AND manufacturer <> ''),
    number       TEXT NOT NULL COLLATE NOCASE CHECK (number = trim(number) AND number <> ''),
    url          TEXT NOT NULL DEFAULT '',
    is_preferred INTEGER NOT NULL DEFAULT 0 CHECK (is_preferred IN (0, 1)),
    UNIQUE (part_id, manufacturer, number)
) STRICT;

CREATE INDEX ix_manufacturer_parts_number ON ManufacturerParts(number, manufacturer);
CREATE UNIQUE INDEX ix_manufacturer_parts_preferred ON ManufacturerParts(part_id) WHERE is_preferred = 1;

-- Written in the same transaction as the change, and never edited.
CREATE TABLE History(
    history_id  INTEGER PRIMARY KEY,
    user_id     INTEGER REFERENCES Users(user_id) ON DELETE RESTRICT,
    subject     TEXT NOT NULL CHECK (subject IN ('part', 'revision', 'relationship', 'property', 'approval', 'file',
                                                 'manufacturer part', 'category', 'workflow', 'user')),
    subject_id  INTEGER NOT NULL,
    action      TEXT NOT NULL CHECK (action <> ''),
    old_value   TEXT,
    new_value   TEXT,
    happened_at INTEGER NOT NULL
) STRICT;

CREATE INDEX ix_history_subject ON History(subject, subject_id, history_id);
CREATE INDEX ix_history_user ON History(user_id);

CREATE TRIGGER history_is_not_edited BEFORE UPDATE ON History
BEGIN
    SELECT RAISE(ABORT, 'history is never edited');
END;

CREATE TRIGGER history_is_not_deleted BEFORE DELETE ON History
BEGIN
    SELECT RAISE(ABORT, 'history is never deleted');
END;

-- migrate:down
DROP TABLE History;
DROP TABLE ManufacturerParts;
DROP TABLE Files;
