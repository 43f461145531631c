-- Parts, the categories that number them, and the sequence their numbers are drawn from.

-- migrate:up
CREATE TABLE Categories(
    category_id INTEGER PRIMARY KEY,
    code        TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 2 AND 4),
    name        TEXT NOT NULL UNIQUE CHECK (name <> ''),
    labels      TEXT NOT NULL DEFAULT 'numeric' CHECK (labels IN ('numeric', 'letters'))
) STRICT;

CREATE TABLE Subcategories(
    subcategory_id INTEGER PRIMARY KEY,
    category_id    INTEGER NOT NULL REFERENCES Categories(category_id) ON DELETE RESTRICT,
    code           TEXT NOT NULL CHECK (length(code) BETWEEN 2 AND 4),
    name           TEXT NOT NULL CHECK (name <> ''),
    UNIQUE (category_id, code)
) STRICT;

CREATE TABLE PartSequence(
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    next_value INTEGER NOT NULL CHECK (next_value >= 10000)
) STRICT;

-- The number is stored when it is issued and never computed again: categories may be renamed.
CREATE TABLE Parts(
    part_id       INTEGER PRIMARY KEY,
    number        TEXT NOT NULL UNIQUE CHECK (number <> ''),
    category      TEXT NOT NULL REFERENCES Categories(code) ON UPDATE CASCADE ON DELETE RESTRICT,
    subcategory   TEXT CHECK (subcategory <> ''),
    name          TEXT NOT NULL CHECK (name <> ''),
    description   TEXT NOT NULL DEFAULT '',
    version       INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    retired_date  INTEGER,
    created_date  INTEGER NOT NULL,
    modified_date INTEGER NOT NULL CHECK (modified_date >= created_date)
) STRICT;

CREATE INDEX ix_parts_category ON Parts(category, subcategory);
CREATE INDEX ix_parts_name ON Parts(name COLLATE NOCASE);
CREATE INDEX ix_parts_modified ON Parts(modified_date);

INSERT INTO PartSequence(id, next_value) VALUES (1, 10000);

INSERT INTO Categories(code, name) VALUES
    ('EL', 'Electronic'),
    ('ME', 'Mechanical'),
    ('AS', 'Assembly'),
    ('SW', 'Software'),
    ('DO', 'Documentation');

INSERT INTO Subcategories(category_id, code, name)
SELECT category_id, column1, column2
FROM Categories,
    (VALUES ('SYM', 'Symbol'), ('FPR', 'Footprint'), ('3DM', '3D model'), ('RES', 'Resistor'), ('CAP', 'Capacitor'),
            ('IND', 'Inductor'), ('ICT', 'Integrated circuit'), ('DIO', 'Diode'), ('FET', 'Field-effect transistor'),
            ('CON', 'Connector'), ('PCB', 'Printed circuit board'), ('PCA', 'Printed circuit assembly'))
WHERE Categories.code = 'EL';

-- migrate:down
DROP TABLE Parts;
DROP TABLE PartSequence;
DROP TABLE Subcategories;
DROP TABLE Categories;
