-- Words of a part, for searching; the managers keep them in step in the same transaction.

-- migrate:up
CREATE VIRTUAL TABLE PartSearch USING fts5(
    number, name, description, manufacturer_numbers, properties,
    prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 tokenchars '-_'"
);

INSERT INTO PartSearch(rowid, number, name, description, manufacturer_numbers, properties)
SELECT part_id, number, name, description,
    coalesce((SELECT group_concat(number, ' ') FROM ManufacturerParts WHERE ManufacturerParts.part_id = Parts.part_id), ''),
    coalesce((SELECT group_concat(value, ' ') FROM Properties WHERE Properties.part_id = Parts.part_id), '')
FROM Parts;

-- migrate:down
DROP TABLE PartSearch;
